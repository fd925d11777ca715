"""`make demo` in a fresh clone until the page answers, installs included."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from bench.common import ROOT, scratch

LIMIT_S = 1200


def run(*, quick: bool = False) -> dict[str, Any]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = f"--port {port}" + (" --count 60" if quick else "")
    with scratch() as folder:
        clone = folder / "lince"
        start = time.perf_counter()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        environment = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
        environment["LINCE_CACHE"] = str(folder / "cache")
        with (folder / "demo.log").open("w+") as log:
            # A session of its own: make has children, and all of them must end.
            make = subprocess.Popen(
                ["make", "demo", f"DEMO_FLAGS={flags}"],
                cwd=clone, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            try:
                installed = _wait(make, f"http://127.0.0.1:{port}/", clone / ".venv" / ".installed", start, log.name)
                seconds = time.perf_counter() - start
            finally:
                os.killpg(make.pid, signal.SIGINT)
                make.wait(30)
    return {"seconds": seconds, "of_which_install_s": installed}


def _wait(make: subprocess.Popen[Any], url: str, stamp: Path, start: float, log: str) -> float | None:
    """Wait for the page; returns the seconds after which the packages were installed."""
    installed = None
    while time.perf_counter() - start < LIMIT_S:
        if installed is None and stamp.exists():
            installed = time.perf_counter() - start
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200 and b"lince" in answer.read():
                    return installed
        except (urllib.error.URLError, OSError):
            pass
        if make.poll() is not None:
            raise RuntimeError("make demo ended:\n" + Path(log).read_text()[-3000:])
        time.sleep(0.5)
    raise RuntimeError(f"no page after {LIMIT_S} s:\n" + Path(log).read_text()[-3000:])
