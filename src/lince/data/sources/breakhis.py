"""Source ``breakhis``: breast histology at four magnifications (Spanhol et al., IEEE TBME 2016).

Everything worth knowing of an image stands in its file name, ``SOB_M_DC-14-2523-40-010.png``, so any tree of such files
is read: the official one, a part of it, or the copies sorted into ``train`` and ``test`` that circulate. Folders are
only asked whether they contradict the name.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from lince.core.errors import ConfigError, SourceError
from lince.core.types import Sample, Skipped, Split
from lince.core.wording import counted, natural
from lince.data.collection import Collection
from lince.data.groups import BREAKHIS
from lince.data.sources.folder import SPLIT_NAMES
from lince.data.sources.request import Request
from lince.data.sources.walk import find_images, subfolders

TARGETS = ("class", "type")

CLASSES = {"B": "benign", "M": "malignant"}

# Code in the file name -> folder of the official tree, which is the class name under ``--target type``.
TYPES = {
    "A": "adenosis",
    "F": "fibroadenoma",
    "PT": "phyllodes_tumor",
    "TA": "tubular_adenoma",
    "DC": "ductal_carcinoma",
    "LC": "lobular_carcinoma",
    "MC": "mucinous_carcinoma",
    "PC": "papillary_carcinoma",
}
_CLASS_OF = {name: ("benign" if code in ("A", "F", "PT", "TA") else "malignant") for code, name in TYPES.items()}

# How far `recognises` looks: folders opened, those of them with images, and images of each.
_FOLDERS, _WITH_IMAGES, _FILES = 64, 8, 50
_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".bmp")


@dataclass(slots=True)
class _Reading:
    samples: list[Sample] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)


def recognises(location: str) -> bool:
    """A folder whose first images, at any depth, are mostly named as in BreakHis."""
    waiting = [Request(location).path] if location.strip() else []
    looked: list[list[str]] = []
    for _ in range(_FOLDERS):
        if not waiting or len(looked) == _WITH_IMAGES:
            break
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                names = sorted(entry.name for entry in entries if entry.name.lower().endswith(_SUFFIXES))
            waiting.extend(reversed(subfolders(folder)))
        except (OSError, ValueError):
            return False
        if names:
            looked.append(names[:_FILES])
    found = [BREAKHIS.group(name) is not None for names in looked for name in names]
    return sum(found) > len(found) / 2


def read(request: Request) -> Collection:
    """Read a tree of BreakHis images; no image is opened.

    Labels are benign and malignant, or the eight tumour types with ``target="type"``. The group is the slide, which
    is the patient. Parts given as ``train``, ``val``, ``test`` folders are kept where they keep patients whole, and
    otherwise dropped, with a notice: a split by image measures how well a patient is recognised. Attributes:
    ``class``, ``type``, ``magnification`` ("40X" ... "400X"), ``slide``.

    Raises
    ------
    SourceError
        No such folder, no BreakHis image in it, or images of one class only.
    ConfigError
        ``target`` is neither ``class`` nor ``type``.
    """
    target = _target(request.target)
    root = request.path
    if not root.is_dir():
        raise SourceError("There is no such folder", received=request.location, fix="give the folder BreaKHis_v1")
    found = find_images(root)
    reading = _Reading(skipped=list(found.skipped))
    for path in found.images:
        _add(reading, root, path, target)
    names = sorted({sample.label for sample in reading.samples}, key=natural)
    _check(request, names, target)
    samples, notices = _patients_whole(reading.samples)
    notices += _notices(reading, found.others)
    return Collection(
        name="BreakHis",
        samples=tuple(samples),
        # No one of eight types is the finding.
        labels=request.label_space(names, guess_positive=target == "class"),
        source=str(root),
        skipped=tuple(reading.skipped),
        notices=tuple(notices),
    )


def _target(asked: str | None) -> str:
    target = (asked or TARGETS[0]).lower()
    if target not in TARGETS:
        raise ConfigError(
            "BreakHis has no such target", received=asked, fix="choose class (benign, malignant) or type (eight types)"
        )
    return target


def _add(reading: _Reading, root: Path, path: str, target: str) -> None:
    name = PurePath(path).name
    match = BREAKHIS.pattern.match(name)
    if match is None:
        reading.skipped.append(Skipped(path, "file name is not of the form SOB_M_DC-14-2523-40-010.png"))
        return
    tumour = TYPES.get(match["tumour_type"])
    if tumour is None:
        reading.skipped.append(Skipped(path, f"unknown tumour type {match['tumour_type']} in the file name"))
        return
    facts = {
        "class": CLASSES[match["tumour_class"]],
        "type": tumour,
        "magnification": f"{match['magnification']}X",
        "slide": match["patient"],
    }
    folders = PurePath(path).relative_to(root).parts[:-1]
    # The folder pointed at, and those above it, count too: someone may point at malignant/ itself.
    wrong = _contradiction(facts, (*root.parts[-6:], *folders))
    if wrong:
        reading.skipped.append(Skipped(path, wrong))
    elif name in reading.seen:
        reading.skipped.append(Skipped(path, "image of this name was read already, in another folder"))
    else:
        reading.seen.add(name)
        split = next((SPLIT_NAMES[part.lower()] for part in folders if part.lower() in SPLIT_NAMES), None)
        reading.samples.append(Sample(path, facts[target], BREAKHIS.group(name), split, attributes=facts))


def _contradiction(facts: dict[str, str], folders: Iterable[str]) -> str | None:
    """What the folders say otherwise than the file name, if anything."""
    if _CLASS_OF[facts["type"]] != facts["class"]:
        return f"file name says {facts['class']}, but its tumour type is {facts['type']}"
    known = {
        "class": set(CLASSES.values()),
        "type": set(TYPES.values()),
        "magnification": {"40X", "100X", "200X", "400X"},
    }
    for folder in folders:
        for fact, values in known.items():
            if folder in values and folder != facts[fact]:
                return f"file name says {facts[fact]}, but it lies in {folder}/"
    return None


def _check(request: Request, names: list[str], target: str) -> None:
    if not names:
        raise SourceError(
            "There is no BreakHis image in this folder",
            received=request.location,
            fix="give the folder BreaKHis_v1, with files such as SOB_M_DC-14-2523-40-010.png",
        )
    if len(names) < 2 and not request.fits_model(names):
        raise SourceError(
            f"There is only one {target} here, {names[0]}: a classifier needs at least two",
            received=request.location,
            fix="give the folder that holds benign/ and malignant/"
            + (", or --target type" if target == "class" else ""),
        )


def _patients_whole(samples: list[Sample]) -> tuple[list[Sample], list[str]]:
    """The samples without their given parts where these tear patients apart, and the sentence that says so."""
    sides: dict[str | None, set[Split | None]] = defaultdict(set)
    for sample in samples:
        sides[sample.group].add(sample.split)
    torn = sum(len(parts) > 1 for parts in sides.values())
    if not torn:
        return samples, []
    kept = [Sample(s.path, s.label, s.group, None, s.row, s.attributes) for s in samples]
    return kept, [
        f"The folders split BreakHis by image: {torn} of {counted(len(sides), 'patient')} "
        f"{'stands' if torn == 1 else 'stand'} on two sides. That split is not "
        "used; patients are kept whole."
    ]


def _notices(reading: _Reading, others: Counter[str]) -> list[str]:
    notices = []
    scales = Counter(sample.attributes["magnification"] for sample in reading.samples)
    if len(scales) > 1:
        shown = ", ".join(f"{scale} {scales[scale]}" for scale in sorted(scales, key=natural))
        notices.append(f"Magnifications are mixed ({shown}); --where magnification=100X keeps one.")
    if others:
        shown = ", ".join(f"{suffix} {count}" for suffix, count in others.most_common(5))
        left = counted(others.total(), "file that is not an image was", "files that are not images were")
        notices.append(f"{left} left alone: {shown}.")
    return notices
