"""What the topics share: where data is, which machine this is, how to run a command and how to run a bare network."""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"
DATA = Path(os.environ.get("LINCE_DATA", ROOT.parent / "shared" / "data"))
PEERS = Path(os.environ.get("LINCE_PEERS", ROOT.parent / "shared" / "peers"))
# Bundles that several topics need are trained once and kept here.
WORK = Path(os.environ.get("LINCE_BENCH_WORK", Path(tempfile.gettempdir()) / "lince-bench"))
BATCH = 16


class Skip(Exception):  # noqa: N818  not an error
    """A topic that cannot be measured here, and why."""


def need(path: Path, what: str) -> Path:
    if not path.exists():
        raise Skip(f"{what} is not here ({path.name})")
    return path


def machine() -> dict[str, Any]:
    import psutil
    import torch

    found = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        found = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), found)
    flags = cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else ""
    return {
        "cpu": found,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "bf16": [name for name in ("avx512_bf16", "amx_bf16") if name in flags],
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def save(name: str, figures: dict[str, Any], load_before: float) -> Path:
    RESULTS.mkdir(parents=True, exist_ok=True)
    place = RESULTS / f"{name}.json"
    told = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "load_average": {"before": round(load_before, 2), "after": round(os.getloadavg()[0], 2)},
        "figures": figures,
    }
    partial = place.with_suffix(".tmp")
    partial.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(place)
    return place


def lince(*words: object, cache: Path | None = None) -> tuple[float, str]:
    """Run the command line in its own process: wall seconds and what it printed."""
    environment = {**os.environ, **({"LINCE_CACHE": str(cache)} if cache else {})}
    start = time.perf_counter()
    done = subprocess.run(command(*words), env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"lince {' '.join(map(str, words))} failed:\n{done.stderr[-2000:]}")
    return seconds, done.stdout


def command(*words: object) -> list[str]:
    """The `lince` that is installed beside this Python."""
    return [str(Path(sys.executable).parent / "lince"), *map(str, words)]


def figures_of(bundle: Path) -> dict[str, Any]:
    """What a bundle says of its validation and test images, by split."""
    figures: dict[str, Any] = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))["figures"]
    return figures


def chest_folder() -> Path:
    return need(DATA / "chest_xray" / "train", "the chest X-ray collection")


def bundle(model: str = "efficientnet-lite0", *, collection: Path | None = None) -> Path:
    """A bundle to serve or predict with, trained when there is none yet (its accuracy does not matter)."""
    out = WORK / f"bundle-{model}"
    if not out.exists():
        WORK.mkdir(parents=True, exist_ok=True)
        source = collection or need(DATA / "busi", "the breast ultrasound collection")
        print(f"  training a {model} to measure with", flush=True)
        lince("train", source, "--preset", "fast", "--model", model, "--epochs", 2, "--out", out)
    return out


class Bare:
    """The library's network as it is: batch normalisation unfolded, channels last, bf16 by autocast.

    Processors without bf16 instructions are many times slower in bf16, so there a float32 pass is what lince has to
    stand beside: the faster of the two is taken, and told as ``dtype``.
    """

    def __init__(self, place: Path) -> None:
        import torch

        from lince.inference import Bundle

        loaded = Bundle(place)
        self.size, self.channels = loaded.spec.size, loaded.spec.channels
        self._network = loaded.network().to(memory_format=torch.channels_last)
        self._torch = torch
        # In turns, and the best of each: one slow moment of the machine must not choose.
        times = dict.fromkeys(("bf16", "float32"), float("inf"))
        for _ in range(5):
            for self.dtype in times:
                times[self.dtype] = min(times[self.dtype], self.seconds_per_image(2 * BATCH))
        self.dtype = min(times, key=times.__getitem__)

    def images(self, count: int) -> Any:
        values = self._torch.randn(count, self.channels, self.size, self.size)
        return values.to(memory_format=self._torch.channels_last)

    def __call__(self, values: Any) -> Any:
        torch = self._torch
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=self.dtype == "bf16"):
            network = self._network
            return network.head(*network.run_stages(values)[1]).float()

    def seconds_per_image(self, total: int) -> float:
        """In batches, after warming up."""
        values = self.images(BATCH)
        for _ in range(3):
            self(values)
        batches = max(1, total // BATCH)
        start = time.perf_counter()
        for _ in range(batches):
            self(values)
        return (time.perf_counter() - start) / (batches * BATCH)


def median_ms(seconds: Iterable[float]) -> float:
    return 1e3 * statistics.median(seconds)


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lince-bench-") as folder:
        yield Path(folder)


def stop(process: subprocess.Popen[Any]) -> None:
    """End a process that was started here."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
