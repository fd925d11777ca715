"""Networks: the catalog, the small CNN, pretrained backbones, and how to run them fast."""

from lince.models.catalog import CATALOG, ModelEntry, build, check_side, entry_for

__all__ = ["CATALOG", "ModelEntry", "build", "check_side", "entry_for"]
