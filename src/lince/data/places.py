"""Where the images of a collection lie, as far as it matters to who writes their paths down."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path

from lince.core.errors import LinceError
from lince.core.files import atomic_file
from lince.core.settings import cache_dir
from lince.core.types import Sample
from lince.data.collection import Collection


def cache_notice(collection: Collection, what: str) -> str | None:
    """A warning where ``what`` is to name images that lie in lince's cache, such as those unpacked from an npz."""
    cache = cache_dir()
    prefixes = tuple({os.path.join(str(place), "") for place in (cache, cache.absolute())})  # noqa: PTH118
    if not any(sample.path.startswith(prefixes) for sample in collection.samples):
        return None
    return f"Images of this source lie in lince's cache: {what} is of use on this machine, until the cache is deleted."


def note_places(digest: str, samples: Iterable[Sample]) -> None:
    """Note in the cache of this machine where some images of a collection lie, under its digest.

    A bundle travels and names its collection by the digest alone: paths, which may name a patient, stay here. A cache
    that cannot be written costs the note, nothing else.
    """
    rows = [{"path": os.path.abspath(one.path), "label": one.label, "row": one.row} for one in samples]  # noqa: PTH100
    with contextlib.suppress(LinceError), atomic_file(_note_of(digest), "w") as stream:
        json.dump(rows, stream)  # in ASCII: names of files need not be valid text


def noted_places(digest: str) -> tuple[Sample, ...]:
    """What `note_places` noted of a collection; empty where nothing is known. The files may be gone by now."""
    if not re.fullmatch(r"[0-9a-f]{64}", digest):  # a bundle may hold anything, and this becomes the name of a file
        return ()
    try:
        rows = json.loads(_note_of(digest).read_text(encoding="utf-8"))
        return tuple(Sample(str(one["path"]), str(one["label"]), row=one["row"]) for one in rows)
    except (OSError, ValueError, TypeError, KeyError):
        return ()


def _note_of(digest: str) -> Path:
    return cache_dir() / "places" / f"{digest}.json"
