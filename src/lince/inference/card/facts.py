"""What lince knows of a bundle, each fact as one sentence under a name.

A fact that is not known is left out: the checklists then ask a person for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from lince.inference.bundle import BundleManifest
from lince.inference.card import fused, learning, origin, promises
from lince.inference.card.words import Markdown, Words

Facts = Mapping[str, Markdown]

_MAKERS = (
    *(origin.use, origin.data, origin.preparation, learning.model),
    *(promises.updated, promises.decision, promises.trust, promises.figures, promises.limits, fused.alone),
)


def of_bundle(manifest: BundleManifest, words: Words) -> Facts:
    """Every fact of a bundle by its name."""
    return {name: fact for maker in _MAKERS for name, fact in maker(manifest, words)}
