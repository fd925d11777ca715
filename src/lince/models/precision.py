"""Which number type to compute in: bf16 where a measurement says that it is faster, float32 elsewhere."""

from __future__ import annotations

import json
import math
import os
import platform
import time
from functools import lru_cache
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from lince.core.errors import ConfigError, LinceError
from lince.core.files import write_json
from lince.core.settings import cache_dir

Layers = Literal["depthwise", "dense"]

_CHOICES = {"bf16": torch.bfloat16, "float32": torch.float32}
# bf16 must win clearly: its rounding is not worth a few per cent.
_MARGIN = 1.2


def best_device() -> torch.device:
    """The accelerator when there is one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def inference_dtype(network: nn.Module, device: torch.device) -> torch.dtype:
    """Type for forward passes on this device, measured once per machine and remembered in the cache.

    What is measured is a layer of the kind the network is made of: bf16 may speed up dense convolutions and slow down
    depthwise ones. ``LINCE_PRECISION`` (``bf16`` or ``float32``) overrides the measurement.

    Raises
    ------
    ConfigError
        ``LINCE_PRECISION`` is something else.
    """
    return _chosen(device, _layers_of(network), training=False)


def training_dtype(network: nn.Module, device: torch.device) -> torch.dtype:
    """Type for the forward and backward passes of training, chosen like `inference_dtype`."""
    return _chosen(device, _layers_of(network), training=True)


def _layers_of(network: nn.Module) -> Layers:
    convolutions = (module for module in network.modules() if isinstance(module, nn.Conv2d))
    return "depthwise" if any(one.groups > 1 for one in convolutions) else "dense"


@lru_cache(maxsize=8)
def _chosen(device: torch.device, layers: Layers, *, training: bool) -> torch.dtype:
    forced = os.environ.get("LINCE_PRECISION")
    if forced:
        if forced not in _CHOICES:
            raise ConfigError("LINCE_PRECISION must be bf16 or float32", received=forced)
        return _CHOICES[forced]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if not _has_bf16_instructions():
        return torch.float32
    place = cache_dir() / "precision.json"
    key = f"{'training' if training else 'inference'}, {layers}, torch {torch.__version__}, {_processor()}"
    known = _remembered(place)
    if known.get(key) not in _CHOICES:
        known[key] = "bf16" if _speed_up(layers, training=training) >= _MARGIN else "float32"
        try:
            write_json(place, known)
        except LinceError:
            pass  # a cache that cannot be written: remembered for this process only
    return _CHOICES[known[key]]


def _remembered(place: Path) -> dict[str, str]:
    try:
        known = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in known.items()} if isinstance(known, dict) else {}


def _has_bf16_instructions() -> bool:
    if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
        return False
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _processor() -> str:
    """Architecture and the instruction sets that matter here."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        flags = next(line for line in lines if line.startswith("flags"))
    except (OSError, StopIteration):
        flags = ""
    return " ".join([platform.machine(), *sorted(f for f in flags.split() if "bf16" in f or "amx" in f)])


def _probe(layers: Layers) -> tuple[nn.Module, torch.Tensor]:
    """An inverted bottleneck, or a block of a plain network, and what enters it."""
    if layers == "depthwise":
        steps = [nn.Conv2d(80, 480, 1), nn.Conv2d(480, 480, 5, padding=2, groups=480), nn.Conv2d(480, 80, 1)]
        return nn.Sequential(*steps), torch.randn(8, 80, 14, 14)
    plain = [nn.Conv2d(32, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*plain), torch.randn(16, 32, 32, 32)


def _speed_up(layers: Layers, *, training: bool) -> float:
    """How many times faster such layers run in bf16 than in float32 (best of several)."""
    block, images = _probe(layers)
    block.train(training).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = images.to(memory_format=torch.channels_last)
    best = dict.fromkeys((torch.float32, torch.bfloat16), math.inf)
    # In turns, and the best of many: another program that keeps the processor busy must not decide.
    for _ in range(15):
        for dtype in best:
            start = time.perf_counter()
            with torch.set_grad_enabled(training), torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                output = block(images)
            if training:
                output.float().sum().backward()
            best[dtype] = min(best[dtype], time.perf_counter() - start)
    return best[torch.float32] / best[torch.bfloat16]
