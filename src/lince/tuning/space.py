"""What is searched: one table of fields of `TrainOptions`.

What decides the images or their split (size, fit, model, seed) is left out: validation AUCs on other images cannot be
compared. So are the numbers of epochs, which the preset gives.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, final

from lince.core.errors import ConfigError
from lince.models import ModelEntry
from lince.training.options import TrainOptions, parse_options

if TYPE_CHECKING:
    from optuna import Trial

Applies = Callable[[TrainOptions, ModelEntry], bool]


@final
@dataclass(frozen=True, slots=True)
class Between:
    """A number from ``low`` to ``high``; with ``log``, each order of magnitude is as likely as another."""

    low: float
    high: float
    log: bool = False

    def suggest(self, trial: Trial, field: str) -> float | int:
        """Let the study choose; a whole number where both bounds are."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(field, self.low, self.high, log=self.log)
        return trial.suggest_float(field, self.low, self.high, log=self.log)


@final
@dataclass(frozen=True, slots=True)
class OneOf:
    """One of ``values``; by default of all that the field's type names, but "auto", which stands for one of them."""

    values: tuple[bool | int | float | str | None, ...] = ()

    def suggest(self, trial: Trial, field: str) -> bool | int | float | str | None:
        """Let the study choose."""
        return trial.suggest_categorical(field, self.values or named_values(field))


def named_values(field: str) -> tuple[bool | str, ...]:
    """The values that the type of a field of `TrainOptions` names.

    Raises
    ------
    TypeError
        It names none.
    """
    annotation: Any = TrainOptions.model_fields[field].annotation
    parts = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    for part in parts:
        if part is bool:
            return True, False
        if typing.get_origin(part) is Literal:
            return tuple(value for value in typing.get_args(part) if value != "auto")
    raise TypeError(f"the type of {field} names no values")


def _pretrained(_: TrainOptions, entry: ModelEntry) -> bool:
    return entry.pretrained


def _from_scratch(_: TrainOptions, entry: ModelEntry) -> bool:
    return not entry.pretrained


def _fine_tuned(options: TrainOptions, entry: ModelEntry) -> bool:
    return entry.pretrained and (options.phases or (1 if options.preset == "fast" else 2)) > 1


def _focal(options: TrainOptions, _: ModelEntry) -> bool:
    return options.imbalance == "focal"


def _always(_: TrainOptions, __: ModelEntry) -> bool:
    return True


SPACE: tuple[tuple[str, Between | OneOf, Applies], ...] = (
    ("lr", Between(3e-4, 3e-2, log=True), _pretrained),
    ("lr", Between(1e-4, 1e-2, log=True), _from_scratch),
    ("tune_lr", Between(3e-5, 3e-3, log=True), _fine_tuned),
    ("stage_decay", Between(0.6, 1.0), _fine_tuned),
    ("schedule", OneOf(("auto", "plateau", "cosine")), _always),
    ("warmup", Between(0, 3), _always),
    ("ema", OneOf((None, 0.0, 0.99)), _always),
    ("label_smoothing", OneOf((None, 0.0, 0.1)), _always),
    ("batch_size", OneOf((16, 32, 64, 128)), _always),
    # Not adjusted logits: their probabilities are not those of the collection.
    ("imbalance", OneOf(("weights", "focal", "sampling", "none")), _always),
    ("focal_gamma", Between(0.5, 4.0), _focal),
    # Policies by name may turn over what has an upper side; these suit every kind of image.
    ("augment", OneOf(("auto", "none", "light")), _always),
)
"""Field, values, and when the field means anything; a later row may depend on an earlier one."""


def suggest(trial: Trial, base: TrainOptions, entry: ModelEntry) -> TrainOptions:
    """The options of a trial: those that the user set, and for the others what the study suggests."""
    found: dict[str, Any] = {}
    for field, values, applies in SPACE:
        if field not in base.model_fields_set and applies(base.model_copy(update=found), entry):
            found[field] = values.suggest(trial, field)
    return with_values(base, found)


def with_values(base: TrainOptions, values: dict[str, Any]) -> TrainOptions:
    """The options that the user set, with others; defaults stay unset."""
    return parse_options({**base.model_dump(exclude_unset=True), **values})


def searched(base: TrainOptions, entry: ModelEntry) -> list[str]:
    """Names of the fields that are searched, whatever else is chosen.

    Raises
    ------
    ConfigError
        The user has set them all.
    """
    names = [field for field, _, applies in SPACE if field not in base.model_fields_set and applies(base, entry)]
    if not names:
        raise ConfigError("Every option is set, so there is nothing to search", fix="leave some of them out")
    return names
