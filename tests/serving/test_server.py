"""`serve` as the command line runs it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import httpx
import pytest

from lince.core.errors import BundleError, ConfigError
from lince.serving import serve

from .conftest import png

SCRIPT = """
    import sys
    from pathlib import Path
    import lince.inference
    from serving.fakes import FakeBatcher, FakePredictor
    lince.inference.Predictor = lambda path, refer=None: FakePredictor()
    lince.inference.MicroBatcher = FakeBatcher
    from lince.serving import serve
    serve(Path("bundle"), port=0, log_dir=Path(sys.argv[1]), on_ready=lambda address: print(address, flush=True))
    print("ended")
"""


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.10", "::", "example.org"])
def test_other_hosts_are_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="this computer only until accounts exist"):
        serve(Path("bundle"), host=host, port=0)


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"already in use .*{port}.*--port 0"):
            serve(Path("bundle"), port=port)


def test_a_port_that_is_none_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="0 to 65535"):
        serve(Path("bundle"), port=70_000)


def test_a_missing_bundle_frees_the_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    for _ in range(2):
        with pytest.raises(BundleError):
            serve(tmp_path / "none", port=port)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to a child process is POSIX")
def test_serving_until_ctrl_c_leaves_a_journal(tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path)]
    environment = {"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        with httpx.Client(base_url=address, trust_env=False, timeout=20) as client:
            assert client.get("/api/v1/health").status_code == 200
            files = {"file": ("Maria.png", png())}
            assert client.post("/api/v1/predictions", files=files).status_code == 200
            crash = client.post("/api/v1/predictions", files={"file": ("crash.png", png())})
        start = time.perf_counter()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=15)
        assert time.perf_counter() - start < 5
    assert (process.returncode, rest.strip()) == (0, "ended")
    assert "secret detail" in errors  # a fault is told on the terminal ...
    assert "KeyboardInterrupt" not in errors
    lines = [json.loads(line) for line in (tmp_path / "serve.jsonl").read_text().splitlines()]
    told = {line["message"]: line for line in lines}
    assert told["prediction"]["label"] == "malignant"
    assert told["prediction"]["origin"] == "api"
    assert {"time", "level", "component", "model_id", "seconds"} <= told["prediction"].keys()
    assert told["problem"]["instance"] == crash.json()["instance"]  # ... and in the journal
    assert [line["status"] for line in lines if line["message"] == "request"] == [200, 200, 500]
    assert "Maria" not in json.dumps(lines)
