"""Pretrained weights from disk, for the models of the catalog."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lince.core.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from lince.models.network import Network

_FIX = "give a safetensors file of this very model, or a bundle that was trained with it"


def weights_file(path: Path) -> Path:
    """The safetensors file that is meant: the file itself, or the one in a folder (a bundle, a hub snapshot).

    Raises
    ------
    ConfigError
        There is none. Other formats are not opened: a pickle runs the code that it carries.
    """
    if path.is_dir():
        found = path / "model.safetensors"
        if found.is_file():
            return found
        raise ConfigError("This folder has no model.safetensors", received=path, fix=_FIX)
    if not path.is_file():
        raise ConfigError("There are no weights here", received=path, fix=_FIX)
    if path.suffix != ".safetensors":
        raise ConfigError(
            "Weights must be in the safetensors format, which cannot carry code",
            received=path,
            fix="convert them with safetensors.torch.save_file(state_dict, FILE)",
        )
    return path


def is_transformers_folder(path: Path) -> bool:
    """Whether a folder was saved with the transformers library."""
    return (path / "config.json").is_file()


def load_stages(network: Network, path: Path) -> None:
    """Put weights from disk into the stages of a network; its head keeps its own.

    The names may be those of a bundle (``stages.3...``), or of the package that the EfficientNet-Lites come from.

    Raises
    ------
    ConfigError
        They cannot be read or do not fit; nothing was changed.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    place = weights_file(path)
    try:
        given = load_file(place)
    except (SafetensorError, OSError) as error:
        raise ConfigError("These weights cannot be read", received=place, fix="copy the file again") from error
    wanted = network.stages.state_dict()
    attempts = [_renamed(given, rename) for rename in (_of_bundle, _of_package)]
    best = max(attempts, key=lambda found: len(found.keys() & wanted.keys()))
    for name, value in wanted.items():
        if name.endswith("num_batches_tracked"):
            best.setdefault(name, value)
        elif name not in best:
            raise ConfigError(f"These weights do not fit the model: there is no {name}", received=place, fix=_FIX)
        elif best[name].shape != value.shape:
            shapes = f"{tuple(best[name].shape)} instead of {tuple(value.shape)}"
            raise ConfigError(f"These weights do not fit the model: {name} is {shapes}", received=place, fix=_FIX)
    network.stages.load_state_dict({name: best[name] for name in wanted})


def _renamed(given: dict[str, Tensor], rename: Callable[[str], str | None]) -> dict[str, Tensor]:
    names = {name: rename(name) for name in given}
    return {new: given[old] for old, new in names.items() if new is not None}


def _of_bundle(name: str) -> str | None:
    return name.removeprefix("stages.") if name.startswith("stages.") else None


def _of_package(name: str) -> str | None:
    """``_conv_stem``, ``_bn0`` and ``_blocks.N`` are stage 0 and stage N + 1; the rest belongs to the old head."""
    stem = {"_conv_stem": "0.0", "_bn0": "0.1"}
    first, _, rest = name.partition(".")
    if first in stem:
        return f"{stem[first]}.{rest}"
    block = re.fullmatch(r"_blocks\.(\d+)\.(.+)", name)
    return f"{int(block[1]) + 1}.{block[2]}" if block else None
