"""Where a network looked: heat maps (and, later, feature maps)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["grad_cam", "heat_rgba", "overlay"]

if TYPE_CHECKING:
    from lince.explain.drawing import heat_rgba, overlay
    from lince.explain.gradients import grad_cam

_HOMES = {"grad_cam": "gradients", "heat_rgba": "drawing", "overlay": "drawing"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    # No file has the name of what it holds: importing it would put the module in the place of the function.
    return getattr(import_module(f"lince.explain.{_HOMES[name]}"), name)
