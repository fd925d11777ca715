"""The collection: samples with a label space and a name."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from lince.core.errors import ConfigError
from lince.core.types import SPLITS, LabelSpace, Sample, Skipped, Split

# What `PurePath` would clear away: a doubled slash, a dot alone, a slash at the end.
_UNCLEAN = re.compile(r"//|/\.(?:/|$)|/$")


@dataclass(frozen=True, slots=True)
class Collection:
    """Samples with a label space and a name, as read from a source.

    Attributes
    ----------
    name
        Short, for titles.
    samples
        In a deterministic order.
    labels
        Class names in order, and the positive one.
    source
        What the user pointed at.
    synthetic
        True when the images are computer-made; every report must say so.
    skipped
        Files left out, and why.
    notices
        Sentences the user should read: guesses made, leaks found.
    root
        Folder that identities are relative to, where that is not ``source``.

    Raises
    ------
    ConfigError
        A sample carries a label that is not in the label space.
    """

    name: str
    samples: tuple[Sample, ...]
    labels: LabelSpace
    source: str
    synthetic: bool = False
    skipped: tuple[Skipped, ...] = ()
    notices: tuple[str, ...] = ()
    root: str = ""

    def __post_init__(self) -> None:
        unknown = {sample.label for sample in self.samples} - set(self.labels.names)
        if unknown:
            raise ConfigError(
                f"The collection {self.name} has labels outside its label space",
                received=", ".join(sorted(unknown)),
                fix=f"use only: {', '.join(self.labels.names)}",
            )

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def has_groups(self) -> bool:
        """Whether any sample names its patient, case or slide."""
        return any(sample.group is not None for sample in self.samples)

    @property
    def has_splits(self) -> bool:
        """Whether every sample is assigned to a part."""
        return bool(self.samples) and all(sample.split is not None for sample in self.samples)

    def counts(self) -> dict[str, int]:
        """Images by class name, in the order of the label space, zeros included."""
        found = Counter(sample.label for sample in self.samples)
        return {name: found[name] for name in self.labels.names}

    def counts_by_split(self) -> dict[Split | None, dict[str, int]]:
        """Images by part and class name; the key ``None`` holds samples without a part. Empty parts are left out."""
        samples = self.samples
        found = Counter(zip((s.split for s in samples), (s.label for s in samples), strict=True))
        parts: list[Split | None] = [*SPLITS, None]
        present = {split for split, _ in found}
        return {part: {name: found[part, name] for name in self.labels.names} for part in parts if part in present}

    def indices(self, split: Split) -> list[int]:
        """Positions of the samples of one part."""
        return [index for index, sample in enumerate(self.samples) if sample.split == split]

    def subset(self, indices: Iterable[int]) -> Collection:
        """The samples at these positions, in the order given; the label space stays whole."""
        return replace(self, samples=tuple(self.samples[int(index)] for index in indices))

    def with_positive(self, name: str | None) -> Collection:
        """The same collection with another positive class.

        Raises
        ------
        ConfigError
            The name is not one of the classes.
        """
        return replace(self, labels=LabelSpace(self.labels.names, name))

    def with_splits(self, splits: Sequence[Split | None]) -> Collection:
        """The same samples, each with the part at its position."""
        self._check_length(splits, "parts")
        # Sample(...) is three times as quick as dataclasses.replace, which counts for a million.
        samples = tuple(
            s if s.split == split else Sample(s.path, s.label, s.group, split, s.row, s.attributes)
            for s, split in zip(self.samples, splits, strict=True)
        )
        return replace(self, samples=samples)

    def with_groups(self, groups: Sequence[str | None]) -> Collection:
        """The same samples, each with the group at its position."""
        self._check_length(groups, "groups")
        samples = tuple(
            s if s.group == group else Sample(s.path, s.label, group, s.split, s.row, s.attributes)
            for s, group in zip(self.samples, groups, strict=True)
        )
        return replace(self, samples=samples)

    def with_notices(self, *notices: str) -> Collection:
        """The same collection with these sentences added, each once."""
        return replace(self, notices=tuple(dict.fromkeys((*self.notices, *notices))))

    def identity(self, sample: Sample) -> str:
        """A name for the sample that does not change when the collection is moved to another place or machine."""
        return next(iter(self.identities((sample,))))

    def identities(self, samples: Iterable[Sample]) -> Iterator[str]:
        """The `identity` of each sample; quicker for many."""
        source = PurePath(self.root or self.source)
        prefix = "" if str(source) == "." else os.path.join(source, "")  # noqa: PTH118  with the separator at the end
        for sample in samples:
            text = sample.path
            # A plain path under the root needs no parsing, which takes ten times as long.
            if os.sep == "/" and prefix and text.startswith(prefix) and not _UNCLEAN.search(text, len(prefix) - 1):
                text = text[len(prefix) :]
            else:
                path = PurePath(text)
                inside = path.is_relative_to(source)
                text = path.relative_to(source).as_posix() if inside else f"{sample.label}/{path.name}"
            yield text if sample.row is None else f"{text}[{sample.row}]"

    def digest(self) -> str:
        """SHA-256 over classes and every sample's identity, label, group and part; pixels are not read."""
        digest = hashlib.sha256(json.dumps([self.name, self.labels.names, self.labels.positive]).encode())
        for sample, identity in zip(self.samples, self.identities(self.samples), strict=True):
            line = json.dumps([identity, sample.label, sample.group, sample.split])
            digest.update(line.encode())
        return digest.hexdigest()

    def _check_length(self, values: Sequence[object], what: str) -> None:
        if len(values) != len(self.samples):
            raise ConfigError(
                f"The number of {what} differs from the number of samples",
                received=f"{len(values)} {what} for {len(self.samples)} samples",
            )
