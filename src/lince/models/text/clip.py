"""Dual encoders: images and texts in one space, learned from pairs of both (CLIP, SigLIP, MedSigLIP and others)."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lince.core.errors import ConfigError, ModelUnavailableError
from lince.models.hub import split_name, within_reach
from lince.models.text.quiet import quietly
from lince.models.text.side import tidy

PREFIX = "clip:"
_BATCH = 16
# What a class is called in a sentence, as the captions that these models were trained on would.
PROMPTS = ("a medical image of {}", "a radiology image showing {}")


@final
class ClipSide:
    """A dual encoder of transformers by its name on the hub, or a folder; it is not trained further.

    Radford et al., "Learning transferable visual models from natural language supervision", ICML 2021. A bundle holds
    the name and the revision, not the weights.

    Parameters
    ----------
    name
        ``clip:OWNER/NAME[@REVISION]`` or ``clip:FOLDER``.

    Raises
    ------
    ConfigError
        No name, or a model that does not embed both images and texts.
    ModelUnavailableError
        It is neither on this machine nor within reach.
    """

    def __init__(self, name: str) -> None:
        from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

        self._name = name
        place = name.removeprefix(PREFIX)
        if not place:
            raise ConfigError(
                "A dual encoder needs a name", received=name, fix="for example clip:openai/clip-vit-base-patch32"
            )
        repository, revision = split_name(place)
        here = Path(repository).is_dir() or not within_reach()
        known: dict[str, Any] = {"revision": revision, "local_files_only": here, "trust_remote_code": False}
        with _sentences(repository), quietly():
            self._model: Any = AutoModel.from_pretrained(
                repository, use_safetensors=True, dtype=torch.float32, **known
            ).eval()
            self._tokenizer: Any = AutoTokenizer.from_pretrained(repository, **known)
            try:
                processor = AutoImageProcessor.from_pretrained(repository, use_fast=False, **known)  # type: ignore[no-untyped-call]
                mean, std = list(processor.image_mean), list(processor.image_std)
            except (OSError, ValueError, AttributeError, ImportError):
                mean, std = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
        if not (hasattr(self._model, "get_image_features") and hasattr(self._model, "get_text_features")):
            raise ConfigError(
                "This model does not bring images and texts into one space",
                received=repository,
                fix="name a dual encoder such as clip:openai/clip-vit-base-patch32",
            )
        self._revision = getattr(self._model.config, "_commit_hash", None) or revision
        self._mean = 255 * torch.tensor(mean).view(1, -1, 1, 1)
        self._std = 255 * torch.tensor(std).view(1, -1, 1, 1)
        self._side = int(self._model.config.vision_config.image_size)
        self._tokens = int(self._model.config.text_config.max_position_embeddings)

    @classmethod
    def restore(cls, facts: Mapping[str, Any], _: Mapping[str, NDArray[np.float32]]) -> ClipSide:
        """The encoder that a bundle was trained with, at the same revision.

        Raises
        ------
        ModelUnavailableError
            It is neither on this machine nor within reach.
        """
        name, revision = str(facts["name"]), facts["revision"]
        folder = Path(name.removeprefix(PREFIX)).is_dir()
        side = cls(name if folder or not revision else f"{name.split('@')[0]}@{revision}")
        side._name = name
        return side

    @property
    def name(self) -> str:
        """As the user names it."""
        return self._name

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """N texts to (N, D) rows; of a text that is too long, its beginning."""
        found = np.zeros((len(texts), self._width), np.float32)
        known = [number for number, text in enumerate(texts) if tidy(text)]
        for start in range(0, len(known), _BATCH):
            part = known[start : start + _BATCH]
            # SigLIP was trained on texts filled up to one length, and reads others worse.
            tokens = self._tokenizer(
                [texts[number] for number in part],
                padding="max_length",
                truncation=True,
                max_length=self._tokens,
                return_tensors="pt",
            )
            wanted = {key: tokens[key] for key in ("input_ids", "attention_mask") if key in tokens}
            found[part] = _unit(self._model.get_text_features(**wanted))
        return found

    @torch.inference_mode()
    def embed_images(self, pixels: Tensor) -> NDArray[np.float32]:
        """(N, S, S, C) uint8 to (N, D) rows of length 1."""
        found = np.zeros((len(pixels), self._width), np.float32)
        for start in range(0, len(pixels), _BATCH):
            planes = pixels[start : start + _BATCH].cpu().permute(0, 3, 1, 2).float()
            planes = planes.expand(-1, 3, -1, -1)
            sized = nn.functional.interpolate(
                planes, size=(self._side, self._side), mode="bilinear", antialias=True, align_corners=False
            )
            own = self._model.get_image_features(pixel_values=(sized - self._mean) / self._std)
            found[start : start + _BATCH] = _unit(own)
        return found

    def zero_shot(self, images: NDArray[np.float32], names: Sequence[str]) -> NDArray[np.float32]:
        """(N, D) rows of images to logits (N, C), the likeness to sentences that name the classes."""
        texts = [prompt.format(name) for prompt in PROMPTS for name in names]
        means = self.embed(texts).reshape(len(PROMPTS), len(names), -1).mean(axis=0)
        means /= np.linalg.norm(means, axis=1, keepdims=True).clip(1e-9)
        return np.asarray(images @ means.T * self._scale, dtype=np.float32)

    @property
    def _width(self) -> int:
        config = self._model.config
        return int(getattr(config, "projection_dim", None) or config.text_config.hidden_size)

    @property
    def _scale(self) -> float:
        """What the model was trained to multiply similarities by."""
        return float(self._model.logit_scale.detach().exp())

    def knows(self, text: str) -> bool:
        """Whether the text has a letter or a digit: its pieces of words put any word together."""
        return bool(re.search(r"\w", text))

    def facts(self) -> dict[str, Any]:
        """Name and revision."""
        return {"side": "clip", "name": self._name, "revision": self._revision}

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """None: the weights are those of the hub."""
        return {}


def _unit(found: Any) -> NDArray[np.float32]:
    """Rows of length 1, whether the library gives them alone or inside its output."""
    rows = found if isinstance(found, Tensor) else found.pooler_output
    return np.asarray(nn.functional.normalize(rows.float(), dim=1).numpy())


@contextlib.contextmanager
def _sentences(repository: str) -> Iterator[None]:
    """Turn what the library raises offline, or for a model of another kind, into one sentence."""
    try:
        yield
    except (OSError, ConnectionError) as error:
        raise ModelUnavailableError(
            "The dual encoder is neither on this machine nor within reach",
            received=repository,
            fix="check the name and the connection, or give a folder saved with transformers as clip:FOLDER; "
            "--text-side tfidf needs no network",
        ) from error
    except (ValueError, KeyError, ImportError) as error:
        raise ConfigError(
            "This hub model cannot be used as a dual encoder",
            received=repository,
            fix="name one that transformers knows, such as clip:openai/clip-vit-base-patch32",
        ) from error
