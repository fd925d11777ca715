"""Finding image files under a folder: natural order, links followed once, masks and clutter left out."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from lince.core.types import Skipped
from lince.core.wording import natural
from lince.imaging import IMAGE_SUFFIXES

_CLUTTER = frozenset({"__macosx", "thumbs.db", "desktop.ini", "dicomdir", "readme", "license", "makefile"})
# DICOM files are often named by their UID, 1.2.840.113619.2.55.3, which has no suffix.
_UID_TAIL = re.compile(r"\.\d+")
# BUSI: "benign (4)_mask.png" and "benign (4)_mask_1.png" mask "benign (4).png".
_MASK = re.compile(r"(?P<image>.+)_mask(?:_\d+)?", re.IGNORECASE)


@dataclass(slots=True)
class Found:
    """Image paths in natural order; files skipped with a reason; other files counted by suffix."""

    images: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)


def is_clutter(name: str) -> bool:
    """Whether a file or folder is the system's own."""
    return name.startswith(".") or name.lower() in _CLUTTER


def subfolders(folder: Path) -> list[Path]:
    """Visible folders directly inside, in natural order."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_dir() and not is_clutter(entry.name)]
    return [folder / name for name in sorted(names, key=natural)]


def find_images(folder: Path, *, deep: bool = True, outside: Sequence[Path] = (), any_name: bool = False) -> Found:
    """Image files in a folder and, when ``deep``, in the folders below it.

    A folder reached twice, through a link, is read once; ``outside`` are folders that a link must not lead back to.
    With ``any_name`` every file counts as an image, for those who look into it.
    """
    found = Found()
    seen = {_key(path) for path in outside}
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            key = _key(current)
            if key in seen:
                continue
            seen.add(key)
            with os.scandir(current) as entries:
                listing = sorted((e for e in entries if not is_clutter(e.name)), key=lambda e: natural(e.name))
        except OSError as error:
            found.skipped.append(Skipped(str(current), f"folder cannot be read: {error.strerror or error}"))
            continue
        _sort_files(found, listing, any_name)
        if deep:
            waiting.extend(Path(entry.path) for entry in reversed(listing) if entry.is_dir())
    return found


def _key(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def may_be_image(suffix: str) -> bool:
    """Whether files with this suffix are worth looking into."""
    return suffix.lower() in IMAGE_SUFFIXES or not suffix or _UID_TAIL.fullmatch(suffix) is not None


def _sort_files(found: Found, listing: Sequence[os.DirEntry[str]], any_name: bool) -> None:
    files = [entry for entry in listing if entry.is_file()]
    stems = {PurePath(entry.name).stem for entry in files}
    for entry in files:
        stem, suffix = PurePath(entry.name).stem, PurePath(entry.name).suffix
        mask = _MASK.fullmatch(stem)
        if not (any_name or may_be_image(suffix)):
            found.others[suffix.lower()] += 1
        elif mask and mask["image"] in stems:
            found.skipped.append(Skipped(entry.path, f"mask of {mask['image']}, not an image to classify"))
        else:
            found.images.append(entry.path)
    for entry in listing:
        if entry.is_symlink() and not Path(entry.path).exists():
            found.skipped.append(Skipped(entry.path, "link to a file that is not there"))
