"""Patients read from file names.

A wrong group is worse than none: one that merges strangers starves a split, so only naming schemes that are known to
carry a patient are listed, and one counts only where it fits nearly all files of a class (or of the collection).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

# The share of names a scheme must fit: a stray file does not switch it off, a coincidence does not switch it on.
_FITS = 0.8


@dataclass(frozen=True, slots=True)
class Scheme:
    """A file-naming convention; ``patient`` in ``pattern``, matched from the start, names the patient."""

    name: str
    pattern: re.Pattern[str]
    prefix: str = ""

    def group(self, file_name: str) -> str | None:
        """The patient that a file name carries, if it follows the scheme."""
        match = self.pattern.match(file_name)
        return None if match is None else self.prefix + match["patient"]


# BreakHis: SOB_M_DC-14-13412-40-001.png is biopsy, class, tumour type, slide, magnification and number. The slide alone
# is the patient: 14-13412 is under two types, and is one woman.
BREAKHIS = Scheme(
    "breakhis",
    re.compile(
        r"SOB_(?P<tumour_class>[BM])_(?P<tumour_type>[A-Z]+)-(?P<patient>\d+-\w+?)"
        r"-(?P<magnification>40|100|200|400)-(?P<number>\d+)\."
    ),
    prefix="SOB-",
)

SCHEMES: tuple[Scheme, ...] = (
    # Kermany chest X-rays: person12_virus_3.jpeg, IM-0115-0001.jpeg, IM-0115-0001-0002.jpeg, NORMAL2-IM-1423-0001.jpeg.
    # The two IM numberings stay apart: nothing says that IM-0115 and NORMAL2-IM-0115 are one child. One person may
    # have bacterial and viral images, and is one patient.
    Scheme("kermany", re.compile(r"(?P<patient>person\d+(?=_(?:bacteria|virus)_\d)|(?:NORMAL\d*-)?IM-\d+(?=-\d))")),
    BREAKHIS,
    # Names that say so: patient012_scan1.png, subject-7-left.dcm, paciente3_b.jpg.
    Scheme("patient", re.compile(r"(?P<patient>(?:patient|subject|paciente)[-_ ]?\d+)(?=[-_ ])", re.IGNORECASE)),
)


def groups_from_names(file_names: Sequence[str], labels: Sequence[str]) -> list[str | None]:
    """Groups (patients) from file names, ``None`` where no scheme applies.

    Parameters
    ----------
    file_names
        Names without folders, one per image.
    labels
        Class names, one per image; a scheme is judged on each class and on the whole.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        members[label].append(index)
    groups: list[str | None] = [None] * len(file_names)
    for scheme in SCHEMES:
        found = [scheme.group(name) for name in file_names]
        fits_all = _fits(found)
        for indices in members.values():
            if fits_all or _fits([found[index] for index in indices]):
                for index in indices:
                    groups[index] = groups[index] or found[index]
    return groups


def _fits(found: Sequence[str | None]) -> bool:
    return bool(found) and sum(group is not None for group in found) >= _FITS * len(found)


def join_copies(groups: Sequence[str | None], digests: Sequence[str]) -> list[str | None]:
    """Groups that hold the same file become one: copies must not stand on two sides of a split.

    Parameters
    ----------
    groups
        One per image, ``None`` where unknown.
    digests
        One per image, of the file's bytes.

    Returns
    -------
    list of str or None
        The groups; joined ones are called by all their names, in order. Copies without a group are called by their
        digest.
    """
    home: dict[str, str] = {}

    def root(name: str) -> str:
        while home.setdefault(name, name) != name:
            home[name] = name = home[home[name]]
        return name

    first: dict[str, int] = {}
    names = [group or f"copy-{digest[:16]}" for group, digest in zip(groups, digests, strict=True)]
    copies: set[int] = set()
    for index, digest in enumerate(digests):
        earlier = first.setdefault(digest, index)
        if earlier != index:
            copies |= {earlier, index}
            home[root(names[index])] = root(names[earlier])
    members: dict[str, set[str]] = defaultdict(set)
    for name in dict.fromkeys(names):
        members[root(name)].add(name)
    joined = {}
    for top, found in members.items():
        known = sorted(name for name in found if not name.startswith("copy-")) or sorted(found)
        joined[top] = "+".join(known)
    return [
        joined[root(name)] if group is not None or index in copies else None
        for index, (group, name) in enumerate(zip(groups, names, strict=True))
    ]
