"""Where a network looked: heat maps (and, later, feature maps)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["grad_cam", "heat_rgba", "overlay"]

if TYPE_CHECKING:
    from lince.explain.grad_cam import grad_cam
    from lince.explain.overlay import heat_rgba, overlay

_HOMES = {"grad_cam": "grad_cam", "heat_rgba": "overlay", "overlay": "overlay"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"lince.explain.{_HOMES[name]}"), name)
    globals()[name] = value  # importing a submodule of the same name has just put the module here
    return value
