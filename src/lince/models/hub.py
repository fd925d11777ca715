"""Any image backbone of the transformers library, as ``hf:owner/name`` or ``hf:owner/name@revision``."""

from __future__ import annotations

import contextlib
import io
import logging
import math
import socket
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final
from urllib.parse import urlsplit

import torch
from torch import Tensor, nn

from lince.core.errors import ConfigError, ModelUnavailableError
from lince.models.heads import LinearHead
from lince.models.network import Network
from lince.models.splitting import ANY_SIDE, AsMap, split_stages, takes_any_side

PREFIX = "hf:"


@final
class HubStages(nn.Module):
    """A transformers image model as one stage: normalised images in, feature map (N, D, h, w) out.

    Convolutional models give the map themselves. For vision transformers the patch tokens are laid out as a map;
    class and register tokens, which come first, are dropped.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self._more = {ANY_SIDE: True} if takes_any_side(model) else {}
        self._as_map = AsMap()

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, S, S) to (N, D, h, w)."""
        values: Tensor = self.model(pixel_values=images, **self._more).last_hidden_state
        found: Tensor = self._as_map(values)
        return found


def split_name(name: str) -> tuple[str, str | None]:
    """``hf:owner/name@revision`` to ``owner/name`` and the revision, None when not given; a folder is taken as it is.

    Raises
    ------
    ConfigError
        Nothing stands after ``hf:``.
    """
    place = name.removeprefix(PREFIX)
    if place and Path(place).is_dir():
        return place, None
    repository, _, revision = place.partition("@")
    if not repository:
        raise ConfigError("A hub model needs a name", received=name, fix="for example hf:microsoft/resnet-50")
    return repository, revision or None


def fetch_facts(name: str) -> dict[str, Any]:
    """Configuration, pinned revision and normalisation of a hub model (or of a folder saved with transformers).

    The answer is plain data that the bundle keeps, so that the network can be rebuilt without a network connection.

    Raises
    ------
    ModelUnavailableError
        The hub cannot be reached and the model is not in its local cache, or it does not exist.
    ConfigError
        It is not an image model.
    """
    from transformers import AutoConfig, AutoImageProcessor

    repository, revision = split_name(name)
    here_only = not within_reach()
    with _sentences(repository):
        config = AutoConfig.from_pretrained(
            repository, revision=revision, trust_remote_code=False, local_files_only=here_only
        )
        try:
            processor = _untyped(AutoImageProcessor.from_pretrained)(
                repository, revision=revision, use_fast=False, local_files_only=here_only
            )
            mean, std = list(processor.image_mean), list(processor.image_std)
            size = _size_of(processor.size)
        except (OSError, ValueError, AttributeError, TypeError):
            mean, std, size = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225], None
    known = config.to_diff_dict()
    known["model_type"] = config.model_type
    return {
        "repository": repository if not Path(repository).is_dir() else Path(repository).resolve().name,
        "revision": getattr(config, "_commit_hash", None) or revision,
        "config": known,
        "mean": [255 * value for value in mean],
        "std": [255 * value for value in std],
        "size": size or int(getattr(config, "image_size", 224) or 224),
        "multiple": _patch_of(config),
        "stages": True,
    }


def within_reach() -> bool:
    """Whether the hub answers at all: offline, its library would go on trying for half a minute."""
    from huggingface_hub.constants import ENDPOINT

    if urllib.request.getproxies():
        return True  # only the proxy knows
    place = urlsplit(ENDPOINT)
    try:
        socket.create_connection((place.hostname, place.port or (443 if place.scheme == "https" else 80)), 3).close()
    except OSError:
        return False
    return True


def _size_of(size: Any) -> int | None:
    values = dict(size) if size else {}
    found = values.get("height") or values.get("shortest_edge")
    return int(found) if found else None


def _patch_of(config: Any) -> int:
    """What a side must be a multiple of for patches to cover the image: the rest of it would not be seen."""
    patch = getattr(config, "patch_size", None) or 1
    return math.lcm(*(int(side) for side in (patch if isinstance(patch, list | tuple) else [patch])))


def build_hub(
    name: str,
    classes: int,
    *,
    facts: Mapping[str, Any],
    side: int,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    pretrained: bool,
) -> Network:
    """A hub backbone with a linear head; without ``pretrained``, only the shape, from the facts in a bundle.

    Raises
    ------
    ConfigError
        It is not an image backbone, or one that does not see images of this ``side``.
    ModelUnavailableError
        Its weights are neither on this machine nor within reach.
    """
    from transformers import AutoConfig, AutoModel

    with _sentences(str(facts["repository"])):
        if pretrained:
            repository, _ = split_name(name)
            model = AutoModel.from_pretrained(
                repository,
                revision=facts["revision"],
                trust_remote_code=False,
                use_safetensors=True,
                local_files_only=not within_reach(),
                dtype=torch.float32,
            )
        else:
            config = dict(facts["config"])
            model = _untyped(AutoModel.from_config)(AutoConfig.for_model(config.pop("model_type"), **config))
    stage = HubStages(model)
    stage.eval()
    images, found = _tried(stage, name, side=side, native=int(facts["size"]))
    # Bundles of before this fact was written have the model in one piece.
    parts = split_stages(model, found, images) if facts.get("stages") else None
    layers = len(parts) - 2 if parts else 0
    return Network(
        nn.Sequential(*parts) if parts else nn.Sequential(stage),
        LinearHead(found.shape[1], classes),
        taps=(layers + 1 if parts else 0,),
        mean=mean,
        std=std,
        # the last quarter of the layers, and what follows them
        thaw_from=1 + layers - max(1, layers // 4) if parts else 0,
        thawed_parameters=() if parts else _last_layers(stage),
        pretrained=True,
    )


@torch.no_grad()
def _tried(stage: HubStages, name: str, *, side: int, native: int) -> tuple[Tensor, Tensor]:
    """An image (1, 3, side, side) of noise, and the map (1, D, h, w) that the model makes of it."""
    errors = (TypeError, AttributeError, ValueError, RuntimeError)
    images = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    try:
        return images, stage(images)
    except errors as error:
        with contextlib.suppress(*errors):
            stage(torch.zeros(1, 3, native, native))
            if side != native:
                raise ConfigError(
                    f"{name} does not see images of this size",
                    received=side,
                    fix=f"its own is {native}: leave --image-size out",
                ) from error
        raise ConfigError(
            "This is not an image backbone", received=name, fix="name a model that takes pixel values"
        ) from error


def _last_layers(stage: nn.Module) -> tuple[str, ...]:
    """Prefixes of the parameters in the last quarter of the model's main list of layers, and of what follows it."""
    lists = [(name, module) for name, module in stage.named_modules() if isinstance(module, nn.ModuleList)]
    if not lists:
        return ("",)
    name, layers = min(lists, key=lambda item: item[0].count("."))
    first = len(layers) - max(1, len(layers) // 4)
    # a parameter registered after the list (final norm, pooler) is thawed with it
    names = [parameter for parameter, _ in stage.named_parameters()]
    inside = [i for i, parameter in enumerate(names) if parameter.startswith(f"{name}.")]
    after = names[inside[-1] + 1 :] if inside else []
    return (*(f"{name}.{i}." for i in range(first, len(layers))), *after)


@contextlib.contextmanager
def _sentences(repository: str) -> Any:
    """Turn what the hub library raises offline, or for an unknown name, into one sentence."""
    import transformers

    level = transformers.logging.get_verbosity()
    _untyped(transformers.logging.set_verbosity_error)()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries are not for the user
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    except (OSError, ConnectionError) as error:
        raise ModelUnavailableError(
            "The weights of this hub model are neither on this machine nor within reach",
            received=repository,
            fix="check the name and the connection, or give a folder saved with transformers as hf:FOLDER; "
            "the model that needs no network is efficientnet-lite0",
        ) from error
    except (ValueError, KeyError) as error:
        raise ConfigError(
            "This hub model cannot be used as an image backbone", received=repository, fix="choose an image model"
        ) from error
    finally:
        transformers.logging.set_verbosity(level)


def _untyped(function: Any) -> Any:
    """A function of the library that has no types, called as such."""
    return function
