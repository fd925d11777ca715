"""Telling a batch that does not fit in memory from other failures."""

from __future__ import annotations

import gc

import torch

# What the allocators of torch write on processors: on Linux and macOS, on Windows.
_WORDS = ("can't allocate memory", "not enough memory")


def does_not_fit(error: Exception) -> bool:
    """Whether this is what torch raises when memory is short, on a GPU or a processor."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS)


def forget(device: torch.device) -> None:
    """Let go of what a failed attempt still holds."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def room(device: torch.device, *, on_processor: int, share: float = 0.5) -> int:
    """Bytes that inputs may fill: ``share`` of what is free on a GPU, ``on_processor`` elsewhere."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0] * share)
    return on_processor
