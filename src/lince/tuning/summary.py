"""What a search found: figures, the configuration, the picture."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import optuna
import yaml
from optuna.trial import FrozenTrial, TrialState

import lince
from lince.core.addresses import without_credentials
from lince.core.errors import TrainingError
from lince.core.files import atomic_file
from lince.data import Collection
from lince.training.options import TrainOptions
from lince.tuning.space import with_values
from lince.tuning.study import BASELINE, finished

CONFIG = "best.yaml"
PICTURE = "tuning.png"
# Searched trials to the end; with fewer, importances would be made of chance.
_ENOUGH = 8


@final
@dataclass(frozen=True)
class Tuned:
    """The outcome of a search.

    ``values`` are the searched options of the best trial, empty where nothing beat the options as they were;
    ``importances`` are shares that sum to 1, by option; ``baseline_auc`` is None where that trial was not completed.
    """

    folder: Path
    source: str
    study: str
    trial: int
    auc: float
    baseline_auc: float | None
    options: TrainOptions
    values: Mapping[str, Any]
    importances: Mapping[str, float]
    complete: int
    stopped: int
    failed: int
    validation_images: int
    seconds: float
    history: tuple[tuple[int, float], ...] = field(repr=False, default=())

    @property
    def config(self) -> Path:
        """The configuration that `lince train --config` repeats."""
        return self.folder / CONFIG

    @property
    def picture(self) -> Path:
        """Trials and importances as PNG."""
        return self.folder / PICTURE

    @property
    def trials(self) -> int:
        """All trials that count."""
        return self.complete + self.stopped + self.failed


def summarise(
    study: optuna.Study, options: TrainOptions, collection: Collection, folder: Path, *, images: int, seconds: float
) -> Tuned:
    """Sum up a study and write ``best.yaml`` and ``tuning.png``.

    Raises
    ------
    TrainingError
        No trial was completed.
    OutputError
        The files cannot be written.
    """
    trials = finished(study)
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE and trial.value is not None]
    if not complete:
        raise TrainingError("No trial was completed", fix="allow more trials or more time")
    # The first of equals: the options as they are, where nothing beats them.
    best = max(complete, key=lambda trial: (_value(trial), -trial.number))
    baselines = [_value(trial) for trial in complete if trial.user_attrs.get(BASELINE)]
    tuned = Tuned(
        folder=folder,
        source=collection.source,
        study=study.study_name,
        trial=best.number,
        auc=_value(best),
        baseline_auc=baselines[0] if baselines else None,
        options=with_values(options, best.params),
        values=best.params,
        importances=importances(complete),
        complete=len(complete),
        stopped=sum(trial.state is TrialState.PRUNED for trial in trials),
        failed=sum(trial.state is TrialState.FAIL for trial in trials),
        validation_images=images,
        seconds=seconds,
        history=tuple((trial.number, _value(trial)) for trial in complete),
    )
    from lince.tuning.picture import draw

    with atomic_file(tuned.picture) as stream:
        stream.write(draw(tuned))
    _write_config(tuned)
    return tuned


def short(value: Any) -> str:
    """A value for people: three digits of a number that is not whole."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _value(trial: FrozenTrial) -> float:
    return float(trial.value) if trial.value is not None else float("-inf")


def importances(complete: list[FrozenTrial]) -> dict[str, float]:
    """How much each searched option matters for the AUC, most important first; empty after too few trials.

    By the ANOVA of Watanabe, Bansal & Hutter, "PED-ANOVA", IJCAI 2023.
    """
    searched = [trial for trial in complete if trial.params]
    if len(searched) < _ENOUGH or len({trial.value for trial in searched}) < 2:
        return {}
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler())
    study.add_trials(searched)
    with warnings.catch_warnings():
        # An option that means something in one or two trials only has a rough figure; all of them are rough then.
        warnings.simplefilter("ignore", UserWarning)
        found = optuna.importance.get_param_importances(study)
    return {name: float(share) for name, share in found.items()}


def _write_config(tuned: Tuned) -> None:
    values = tuned.options.model_dump(mode="json", exclude_unset=True)
    before = "" if tuned.baseline_auc is None else f"; with the options as they were {tuned.baseline_auc:.4f}"
    source = shlex.quote(without_credentials(tuned.source))
    lines = [
        f"# Trial {tuned.trial + 1} of {tuned.trials} of the study {tuned.study}, lince {lince.__version__}",
        f"# Validation AUC {tuned.auc:.4f} on {tuned.validation_images} images{before}",
        f"# lince train {source} --config {shlex.quote(str(tuned.config))}",
    ]
    with atomic_file(tuned.config, "w") as stream:
        stream.write("\n".join(" ".join(line.split()) for line in lines) + "\n")
        stream.write(yaml.safe_dump(values, sort_keys=False, allow_unicode=True) if values else "{}\n")
