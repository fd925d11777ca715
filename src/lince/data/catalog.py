"""Facts of the twelve two-dimensional MedMNIST sets (v3), from the shipped ``medmnist.json``.

Source: Yang et al., "MedMNIST v2", Scientific Data 10:41 (2023); files at https://zenodo.org/records/10519652.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from lince.core.errors import SourceError
from lince.core.types import Split

DEFAULT_SIZE = 28


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file to download: its address and the MD5 that its publisher gives."""

    url: str
    md5: str

    @property
    def name(self) -> str:
        """File name in the address."""
        return self.url.split("?", 1)[0].rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class MedMnist:
    """One set: class names in the order of their numbers, images by part, files by size in pixels."""

    name: str
    task: str
    classes: tuple[str, ...]
    channels: int
    samples: Mapping[Split, int]
    license: str
    files: Mapping[int, RemoteFile]

    @property
    def multi_label(self) -> bool:
        """Whether one image can have several findings at once."""
        return self.task.startswith("multi-label")

    def file(self, size: int | None) -> RemoteFile:
        """The file with images of this size in pixels (28 when not given).

        Raises
        ------
        SourceError
            MedMNIST does not have that size.
        """
        size = DEFAULT_SIZE if size is None else size
        if size not in self.files:
            sizes = ", ".join(str(known) for known in self.files)
            raise SourceError(f"{self.name} has no images of this size", received=size, fix=f"choose one of: {sizes}")
        return self.files[size]


@lru_cache(maxsize=1)
def catalog() -> dict[str, MedMnist]:
    """The twelve sets by name."""
    facts = json.loads(files("lince.data").joinpath("medmnist.json").read_text(encoding="utf-8"))
    return {
        name: MedMnist(
            name=name,
            task=fact["task"],
            classes=tuple(fact["classes"]),
            channels=fact["channels"],
            samples=fact["samples"],
            license=fact["license"],
            files={int(size): RemoteFile(**file) for size, file in fact["files"].items()},
        )
        for name, fact in facts.items()
    }


def by_stem(stem: str) -> MedMnist | None:
    """The set that a file name without suffix speaks of: ``breastmnist``, ``BreastMNIST_64``, ``breastmnist (1)``."""
    match = re.match(r"([a-z]+mnist)(?![a-z])", stem.lower())
    return catalog().get(match.group(1)) if match else None
