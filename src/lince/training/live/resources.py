"""What a training uses of the computer, sampled in a thread of its own."""

from __future__ import annotations

import sys
import threading
from collections import deque
from pathlib import Path
from typing import Any, final

import psutil

_EVERY_SECONDS = 2.0
_KEPT = 150


@final
class ResourceMonitor:
    """Samples processor, memory and GPU every two seconds and keeps five minutes of them."""

    def __init__(self) -> None:
        self._own = psutil.Process()
        self._samples: deque[dict[str, float]] = deque(maxlen=_KEPT)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lince-resources", daemon=True)

    def start(self) -> None:
        """Begin to sample."""
        psutil.cpu_percent()  # the first call has nothing to compare with and says 0
        self._thread.start()

    def stop(self) -> None:
        """Sample no more."""
        self._stop.set()
        self._thread.join(_EVERY_SECONDS)

    def as_dict(self, place: Path | None) -> dict[str, Any]:
        """Ready for JSON: the samples, and what there is in all.

        Parameters
        ----------
        place
            Somewhere on the disk whose free room matters.
        """
        disk = _disk(place)
        return {
            "every": _EVERY_SECONDS,
            "processors": psutil.cpu_count(),
            "memory_total": psutil.virtual_memory().total,
            "disk_free": disk.free if disk else None,
            "disk_total": disk.total if disk else None,
            "gpu": _gpu_name(),
            "samples": list(self._samples),
        }

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_SECONDS if self._samples else 0.2):
            try:
                self._samples.append(self._sample())
            except psutil.Error:  # a helper process ended while it was looked at
                continue

    def _sample(self) -> dict[str, float]:
        sample = {"cpu": psutil.cpu_percent(), "memory": float(self._resident())}
        if (gpu := _gpu_memory()) is not None:
            sample["gpu_used"], sample["gpu_total"] = gpu
        return sample

    def _resident(self) -> int:
        """Bytes of this process and its helpers in memory."""
        total = int(self._own.memory_info().rss)
        for child in self._own.children(recursive=True):
            try:
                total += child.memory_info().rss
            except psutil.Error:
                continue
        return total


def _disk(place: Path | None) -> Any:
    """Room on the disk of the nearest folder of ``place`` that exists."""
    for folder in (place, *place.parents) if place else ():
        try:
            return psutil.disk_usage(str(folder))
        except OSError:
            continue
    return None


def _cuda() -> Any:
    """CUDA as torch sees it, once the training has it in use: a look must not be what starts it."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None


def _gpu_name() -> str | None:
    cuda = _cuda()
    return str(cuda.get_device_name()) if cuda else None


def _gpu_memory() -> tuple[float, float] | None:
    cuda = _cuda()
    if cuda is None:
        return None
    free, total = cuda.mem_get_info()
    return float(total - free), float(total)
