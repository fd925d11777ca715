"""Augmentation of whole batches, on the device, repeatable from a seed: one class per effect, recipes by name."""

from __future__ import annotations

from lince.imaging.augmentation.policies import POLICIES, policy
from lince.imaging.augmentation.spec import AugmentationSpec, augment

__all__ = ["POLICIES", "AugmentationSpec", "augment", "policy"]
