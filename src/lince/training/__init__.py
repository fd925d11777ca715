"""From a collection to a bundle: options, plan, phases, run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lince.training.options import TrainOptions

__all__ = ["TrainOptions", "train"]

if TYPE_CHECKING:
    from lince.training.run import train


def __getattr__(name: str) -> Any:
    if name != "train":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lince.training.run import train

    return train
