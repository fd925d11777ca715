"""From a bundle to predictions: the only way from an image to a `Prediction`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = [
    "Bundle",
    "MicroBatcher",
    "Outcome",
    "Predictor",
    "Prepared",
    "audit",
    "evaluate",
    "export_onnx",
    "recalibrate",
]

if TYPE_CHECKING:
    from lince.inference.auditing import audit
    from lince.inference.batching import MicroBatcher
    from lince.inference.bundle import Bundle
    from lince.inference.export import export_onnx
    from lince.inference.measuring import evaluate
    from lince.inference.predictor import Predictor
    from lince.inference.prepared import Outcome, Prepared
    from lince.inference.recalibrating import recalibrate

_HOMES = {
    "Bundle": "bundle",
    "MicroBatcher": "batching",
    "Outcome": "predictor",
    "Predictor": "predictor",
    "Prepared": "predictor",
    "audit": "auditing",
    "evaluate": "measuring",
    "export_onnx": "export",
    "recalibrate": "recalibrating",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    # No file has the name of what it holds: importing it would put the module in the place of the function.
    return getattr(import_module(f"lince.inference.{_HOMES[name]}"), name)
