"""What kind of images a collection holds, as far as its attributes, its source and its names tell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath
from typing import Literal

from lince.data.catalog import by_stem
from lince.data.collection import Collection

Kind = Literal["ultrasound", "xray", "histology", "ct", "mr"]

# The attribute's value begins with one of these: codes of DICOM (PS3.3, C.7.3.1.1.1), and words.
_CODES: Mapping[str, Kind] = {
    "us": "ultrasound", "ivus": "ultrasound", "ultrasound": "ultrasound", "sonography": "ultrasound",
    "cr": "xray", "dx": "xray", "mg": "xray", "px": "xray", "io": "xray", "rg": "xray", "rf": "xray",
    "xray": "xray", "radiography": "xray", "radiograph": "xray", "mammography": "xray",
    "sm": "histology", "gm": "histology", "histology": "histology", "histopathology": "histology",
    "microscopy": "histology",
    "ct": "ct", "mr": "mr", "mri": "mr", "mra": "mr",
}  # fmt: skip
_KNOWN: Mapping[str, Kind] = {
    "breakhis": "histology", "breastmnist": "ultrasound", "chestmnist": "xray", "pneumoniamnist": "xray",
    "pathmnist": "histology", "bloodmnist": "histology", "tissuemnist": "histology",
    "organamnist": "ct", "organcmnist": "ct", "organsmnist": "ct",
}  # fmt: skip
# Whole words in the name of the collection, the end of its place or its class names, in English and Portuguese.
_WORDS: Mapping[str, Kind] = {
    "ultrasound": "ultrasound", "ultrassom": "ultrasound", "ultrasom": "ultrasound", "sonography": "ultrasound",
    "ecografia": "ultrasound", "ecografias": "ultrasound", "busi": "ultrasound",
    "xray": "xray", "xrays": "xray", "cxr": "xray", "radiograph": "xray", "radiographs": "xray",
    "radiography": "xray", "radiografia": "xray", "radiografias": "xray", "mammogram": "xray",
    "mammograms": "xray", "mammography": "xray", "mamografia": "xray", "mamografias": "xray",
    "histology": "histology", "histopathology": "histology", "histologia": "histology", "pathology": "histology",
    "microscopy": "histology", "biopsy": "histology", "biopsies": "histology",
    "ct": "ct", "tomography": "ct", "tomografia": "ct", "mri": "mr", "mr": "mr",
}  # fmt: skip
# Attributes that tell the kind, by name in any case.
_ATTRIBUTES = ("modality", "modalidade")


@dataclass(frozen=True, slots=True)
class Recognised:
    """Kinds of images found, and what told them: ``why`` fits after "because". No kinds: nothing told."""

    kinds: frozenset[Kind]
    why: str

    @property
    def kind(self) -> Kind | None:
        """The kind, where there is exactly one."""
        return next(iter(self.kinds)) if len(self.kinds) == 1 else None


def recognise(collection: Collection) -> Recognised:
    """Say what kind of images these are, by the surest thing that tells: attributes, a known collection, names.

    Pixels are not read. Words that point to two kinds tell nothing; attributes of two kinds mean two kinds.
    """
    return (
        _by_attributes(collection)
        or _by_source(collection)
        or _by_names(collection)
        or Recognised(frozenset(), "nothing tells what kind of images these are")
    )


def _by_attributes(collection: Collection) -> Recognised | None:
    found: Counter[Kind] = Counter()
    told = 0
    names = {name for sample in collection.samples for name in sample.attributes if name.lower() in _ATTRIBUTES}
    for sample in collection.samples:
        words = [_words(str(sample.attributes[name])) for name in names if sample.attributes.get(name)]
        told += bool(words)
        found.update({_CODES[first[0]] for first in words if first and first[0] in _CODES})
    # A few odd values among thousands are mistakes; an unknown kind among them means that this cannot be relied on.
    if not found or found.total() < 0.95 * told or 2 * told < len(collection):
        return None
    kinds = frozenset(kind for kind, count in found.items() if count > 0.01 * told)
    return Recognised(kinds, f"the attribute {sorted(names)[0]} says {' and '.join(sorted(kinds))}")


def _by_source(collection: Collection) -> Recognised | None:
    for name in (collection.name, PurePath(collection.source).stem, collection.source.rpartition(":")[2]):
        known = by_stem(name)
        kind = _KNOWN.get(known.name if known else name.lower())
        if kind is not None:
            return Recognised(frozenset({kind}), f"the collection is {collection.name}")
    return None


def _by_names(collection: Collection) -> Recognised | None:
    tail = PurePath(collection.source).parts[-2:]
    for texts, where in (((collection.name, *tail), "name"), (collection.labels.names, "class names")):
        words = [word for text in texts for word in _words(text)]
        # "x-ray" and "chest_x_ray" fall apart into two words.
        words += ["".join(pair) for pair in pairwise(words)]
        found = {_WORDS[word]: word for word in words if word in _WORDS}
        if len(found) == 1:
            kind, word = next(iter(found.items()))
            return Recognised(frozenset({kind}), f"the word {word} stands in its {where}")
    return None


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+|\d+", text.lower())
