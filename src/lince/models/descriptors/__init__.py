"""The classic baseline: texture, intensity and form as numbers, and a classifier of scikit-learn's kinds on them."""

from lince.models.descriptors.extract import FAMILIES, RECIPE_VERSION, describe, describe_all, names
from lince.models.descriptors.model import NAME, DescriptorModel, build_descriptors, facts

__all__ = [
    "FAMILIES",
    "NAME",
    "RECIPE_VERSION",
    "DescriptorModel",
    "build_descriptors",
    "describe",
    "describe_all",
    "facts",
    "names",
]
