"""Where a network looked, what its layers show, and which known cases are like an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["draw_layers", "grad_cam", "grad_cam_plus_plus", "heat_map", "heat_rgba", "nearest", "overlay"]

if TYPE_CHECKING:
    from lince.explain.drawing import heat_rgba, overlay
    from lince.explain.gradients import grad_cam, grad_cam_plus_plus
    from lince.explain.layers import draw_layers
    from lince.explain.methods import heat_map
    from lince.explain.similar import nearest

_HOMES = {
    "draw_layers": "layers",
    "grad_cam": "gradients",
    "grad_cam_plus_plus": "gradients",
    "heat_map": "methods",
    "heat_rgba": "drawing",
    "nearest": "similar",
    "overlay": "drawing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    # No file has the name of what it holds: importing it would put the module in the place of the function.
    return getattr(import_module(f"lince.explain.{_HOMES[name]}"), name)
