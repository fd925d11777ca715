"""Search for better options of a training. Optuna is imported only here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["Tuned", "tune"]

if TYPE_CHECKING:
    from lince.tuning.search import tune
    from lince.tuning.summary import Tuned

_HOMES = {"Tuned": "summary", "tune": "search"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"lince.tuning.{_HOMES[name]}"), name)
