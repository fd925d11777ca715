"""The search: trial after trial, until there are enough of them or the time is up."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import optuna
from optuna.trial import TrialState

from lince.core.errors import ConfigError, TrainingError
from lince.core.events import EventBus, Noticed, WorkAdvanced, WorkFinished, WorkStarted
from lince.core.files import make_folder
from lince.data import Collection
from lince.training.augmenting import settle
from lince.training.options import TrainOptions, parse_options
from lince.training.prepared import collection_of
from lince.training.single import prepare_single
from lince.training.together import check_together
from lince.tuning.space import searched, suggest, with_values
from lince.tuning.study import (
    BASELINE,
    PROBLEM,
    check_own,
    ensure_baseline,
    finished,
    only_here,
    open_study,
    study_name,
)
from lince.tuning.summary import Tuned, short, summarise
from lince.tuning.trials import Ground, OutOfTimeError, validation_auc

_TASK = "Tuning"


def tune(
    source: str | Path | Collection,
    *,
    trials: int = 30,
    time_limit: float | None = None,
    storage: str | None = None,
    study: str | None = None,
    out: str | Path | None = None,
    options: TrainOptions | None = None,
    bus: EventBus | None = None,
    **choices: Any,
) -> Tuned:
    """Search for the options with the best AUC on validation, and write them as a configuration.

    Options that are given stay as they are; the others of `lince.tuning.space.SPACE` are searched. The test part is
    not looked at. A study that exists is gone on with.

    Parameters
    ----------
    source
        What `lince.load` takes, or a collection.
    trials
        How many the study shall have in the end, with those of earlier calls and of other machines.
    time_limit
        Minutes; the trial under way when they are over is given up, unless it is the first.
    storage
        Address of a database for several machines; a SQLite file in ``out`` when not given.
    study
        Name of the study; that of the collection when not given.
    out
        Folder for ``best.yaml``, ``tuning.png`` and the study; ``tuning/NAME`` when not given.
    options, choices
        A `TrainOptions`, or its fields as keywords.
    bus
        Hears what happens.

    Raises
    ------
    SourceError
        The source is not a collection that can be trained on.
    ConfigError
        An option is not valid, nothing is left to search, or the study is about something else.
    OutputError
        ``out`` cannot be written, another search is at work in it, or it has the result of another collection.
    TrainingError
        No trial was completed.
    """
    bus = bus or EventBus()
    options = options or parse_options(choices)
    _check(options, trials, time_limit)
    collection = collection_of(source, options, bus)
    name = study or study_name(collection.name)
    folder = Path(out) if out is not None else Path("tuning") / study_name(name)
    begun = time.monotonic()
    with only_here(folder):
        entry, prepared = prepare_single(collection, settle(options, collection, bus), bus)
        searched(options, entry)
        facts = {
            "collection": prepared.collection.digest(),
            "choice of options": json.loads(options.model_dump_json(exclude_unset=True, exclude={"table", "language"})),
            "model": entry.name,
        }
        if storage is None and study is None:
            check_own(folder, name)
        record = open_study(storage, name, folder, seed=options.seed, facts=facts)
        work = folder / ".work"
        shutil.rmtree(work, ignore_errors=True)
        try:
            search = _Search(
                record, options, Ground(collection, entry, prepared, make_folder(work), bus), begun, time_limit
            )
            search.run(trials)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return summarise(
            record, options, collection, folder, images=len(prepared.rows("val")), seconds=time.monotonic() - begun
        )


def _check(options: TrainOptions, trials: int, time_limit: float | None) -> None:
    if trials < 1:
        raise ConfigError("A search needs at least one trial", received=trials)
    if time_limit is not None and not time_limit > 0:
        raise ConfigError("The time limit must be above zero minutes", received=time_limit)
    # The remedy against imbalance is searched, the focal loss among them.
    check_together(options.model_copy(update={"focal_gamma": TrainOptions.model_fields["focal_gamma"].default}))
    if options.text:
        raise ConfigError("A search is over how a network of images is trained", fix="leave out --text")
    if options.preset == "best" or options.folds is not None:
        raise ConfigError(
            "A search trains one model at a time, not the preset best or folds", fix="use --preset fast or balanced"
        )


@final
@dataclass(frozen=True)
class _Search:
    study: optuna.Study
    options: TrainOptions
    ground: Ground
    begun: float
    time_limit: float | None

    def run(self, trials: int) -> None:
        """Try until there are enough trials or the time is up."""
        bus, known = self.ground.bus, finished(self.study)
        if known:
            bus.publish(Noticed(f"Going on with the study {self.study.study_name}, which has {len(known)} trials"))
        bus.publish(WorkStarted(_TASK, trials))
        while (done := len(finished(self.study))) < trials:
            bus.publish(WorkAdvanced(_TASK, done))
            ensure_baseline(self.study)
            if self._out_of_time() and any(trial.state is TrialState.COMPLETE for trial in finished(self.study)):
                break
            if not self._try(trials):
                break
        bus.publish(WorkFinished(_TASK))
        if done < trials and self._out_of_time():
            done = len(finished(self.study))
            bus.publish(Noticed(f"The time is up after {done} of {trials} trials; the same command goes on", "warning"))

    def _out_of_time(self) -> bool:
        return self.time_limit is not None and time.monotonic() - self.begun > 60 * self.time_limit

    def _try(self, trials: int) -> bool:
        """One trial, whatever becomes of it; whether the search goes on."""
        trial = self.study.ask()
        first = bool(trial.user_attrs.get(BASELINE))
        try:
            options = with_values(self.options, {}) if first else suggest(trial, self.options, self.ground.entry)
            auc = validation_auc(self.ground, options, trial, may_stop=not first, out_of_time=self._out_of_time)
        except optuna.TrialPruned:
            self.study.tell(trial, state=TrialState.PRUNED)
            self._say(trial, trials, "stopped early, others did better")
        except TrainingError as error:
            trial.set_user_attr(PROBLEM, error.sentence)
            self.study.tell(trial, state=TrialState.FAIL)
            if first:
                raise  # the options themselves do not work
            self._say(trial, trials, error.sentence)
        except OutOfTimeError:
            self.study.tell(trial, state=TrialState.FAIL)
            return False
        except BaseException:
            self.study.tell(trial, state=TrialState.FAIL)
            raise
        else:
            self.study.tell(trial, auc)
            self._say(trial, trials, f"validation AUC {auc:.4f}")
        return True

    def _say(self, trial: optuna.Trial, trials: int, what: str) -> None:
        chosen = ", ".join(f"{name} {short(value)}" for name, value in trial.params.items()) or "options as they are"
        self.ground.bus.publish(Noticed(f"Trial {trial.number + 1} of {trials}: {what} ({chosen})"))
