"""Where the images of a collection lie, as far as it matters to who writes their paths down."""

from __future__ import annotations

import os

from lince.core.settings import cache_dir
from lince.data.collection import Collection


def cache_notice(collection: Collection, what: str) -> str | None:
    """A warning where ``what`` is to name images that lie in lince's cache, such as those unpacked from an npz."""
    cache = cache_dir()
    prefixes = tuple({os.path.join(str(place), "") for place in (cache, cache.absolute())})  # noqa: PTH118
    if not any(sample.path.startswith(prefixes) for sample in collection.samples):
        return None
    return f"Images of this source lie in lince's cache: {what} is of use on this machine, until the cache is deleted."
