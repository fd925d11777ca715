"""Where a network looked: heat maps (and, later, feature maps)."""

from lince.explain.grad_cam import grad_cam

__all__ = ["grad_cam"]
