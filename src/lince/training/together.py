"""Options that mean nothing beside others are refused: a flag without effect would be taken for one that worked."""

from __future__ import annotations

from collections.abc import Sequence

from lince.core.errors import ConfigError
from lince.training.options import DESCRIPTORS, TrainOptions

_HEAD_STEPS = ("epochs", "lr")
_TUNING = ("tune_epochs", "tune_lr", "thaw", "stage_decay")
_STEPS = ("schedule", "warmup", "ema", "label_smoothing", "accumulate", "batch_size")
# Fields that say how a network is trained; descriptors choose their classifier by a cross-validation of their own.
_OF_NETWORKS = (
    "weights", *_HEAD_STEPS, *_TUNING, "phases", *_STEPS, "imbalance", "focal_gamma", "augment", "folds", "time_limit",
)  # fmt: skip


def check_together(options: TrainOptions) -> None:
    """Refuse an option that would change nothing beside the others.

    Raises
    ------
    ConfigError
        It names the option and what makes it idle.
    """
    if not options.text:
        _check_no_text(options)
    if options.model == DESCRIPTORS:
        _check_descriptors(options)
        return
    if options.text:
        _check_text(options)
        return
    if options.classifier != "auto":
        raise ConfigError(
            "The option --classifier means something with descriptors alone",
            received=options.classifier,
            fix=f"add --model {DESCRIPTORS}",
        )
    if options.time_limit is not None and options.preset != "best":
        raise ConfigError(
            "A time limit means something with the preset best alone", received=options.preset, fix="add --preset best"
        )
    if options.imbalance != "focal":
        _refuse(options, ["focal_gamma"], "The focal loss is not asked for", "add --imbalance focal")
    _check_network(options)


def _check_network(options: TrainOptions) -> None:
    if options.model.partition(":")[0] == "small-cnn":
        _refuse(options, ("phases", *_TUNING), "This model is trained from scratch in one phase")
        return
    best, head_alone = options.preset == "best", options.phases == 1
    if best:
        if options.model != "auto":  # else it depends on the images; see `check_steps`
            _check_solved(options)
        if options.imbalance in ("focal", "adjust"):
            raise ConfigError(
                "With the preset best heads are solved exactly, by weights or without",
                received=f"--imbalance {options.imbalance}",
                fix="use --imbalance weights, or --preset balanced",
            )
    if head_alone or (options.preset == "fast" and options.phases is None):
        fix = "leave it out, or train with --phases 2"
        _refuse(options, _TUNING, "Only a head is trained here", fix)


def check_steps(options: TrainOptions, *, scratch: bool) -> None:
    """Refuse options of steps with the preset ``best`` where no network is trained from scratch.

    Raises
    ------
    ConfigError
        Heads are solved, so they would change nothing.
    """
    if options.preset == "best" and not scratch:
        _check_solved(options)


def _check_solved(options: TrainOptions) -> None:
    idle = (*_HEAD_STEPS, *(_STEPS if options.phases == 1 else ()))
    _refuse(options, idle, "With the preset best heads are solved exactly")


def _check_no_text(options: TrainOptions) -> None:
    _refuse(options, ("text_side", "mask_terms"), "No text is read", "add --text caption")


def _check_text(options: TrainOptions) -> None:
    idle = [name for name in _OF_NETWORKS if name != "weights"]
    _refuse(
        options,
        [*idle, "classifier"],
        "Image and text are put together on frozen networks",
        "leave it out, or train on the images alone",
    )


def _check_descriptors(options: TrainOptions) -> None:
    if options.text:
        raise ConfigError("Descriptors are not put together with text", fix="leave --model out, or --text")
    idle = [*(["preset"] if options.preset == "best" else []), *_OF_NETWORKS]
    _refuse(options, idle, "Descriptors have no network to train", "leave it out, or choose another --model")


def _refuse(options: TrainOptions, names: Sequence[str], why: str, fix: str = "leave it out") -> None:
    """Refuse those of the options that are not as they would be by themselves."""
    fields = TrainOptions.model_fields
    idle = [name for name in names if getattr(options, name) != fields[name].default]
    if idle:
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in idle)
        raise ConfigError(f"{why}, so {flags} would change nothing", fix=fix)
