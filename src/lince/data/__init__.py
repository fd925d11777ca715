"""Collections: read from a source, split by group, checked for near-duplicates, described.

Layout: `collection` is the type; `sources` has one file per kind of source and one visible table of them; `splits`,
`groups` and `duplicates` keep a patient on one side; `phantoms` makes the embedded synthetic collection.
"""

from lince.data.clean import clean_split
from lince.data.collection import Collection
from lince.data.duplicates import near_duplicate_groups
from lince.data.manifest import write_manifest
from lince.data.phantoms import draw_phantom, write_phantoms
from lince.data.sources import load
from lince.data.splits import split_collection
from lince.data.summary import describe

__all__ = [
    "Collection",
    "clean_split",
    "describe",
    "draw_phantom",
    "load",
    "near_duplicate_groups",
    "split_collection",
    "write_manifest",
    "write_phantoms",
]
