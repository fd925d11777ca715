"""From a collection of medical images to a classifier that a clinic can trust.

>>> import lince
>>> collection = lince.load("photos/")            # doctest: +SKIP
>>> bundle = lince.train(collection, out="model") # doctest: +SKIP
>>> lince.Predictor(bundle).predict("scan.png")   # doctest: +SKIP

Research use only; not a medical device. Names are imported on first use, so ``import lince`` is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = ["LinceError", "Predictor", "__version__", "audit", "evaluate", "load", "recalibrate", "train"]

if TYPE_CHECKING:
    from lince.core.errors import LinceError
    from lince.data import load
    from lince.inference import Predictor, audit, evaluate, recalibrate
    from lince.training import train

_HOMES = {
    "LinceError": "lince.core.errors",
    "Predictor": "lince.inference",
    "audit": "lince.inference",
    "evaluate": "lince.inference",
    "load": "lince.data",
    "recalibrate": "lince.inference",
    "train": "lince.training",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lince' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
