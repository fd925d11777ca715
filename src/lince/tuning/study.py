"""The study: where trials are noted, by one process or by many machines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import optuna
from optuna.trial import FrozenTrial, TrialState

from lince.core.addresses import without_credentials
from lince.core.errors import ConfigError, OutputError
from lince.core.files import make_folder
from lince.core.seeds import derived_seed

DATABASE = "study.db"
BASELINE = "baseline"
"""Mark of the trial that has the options as the user gave them, nothing searched."""

PROBLEM = "problem"
"""What went wrong in a trial that failed on its own account."""

_FACTS = "lince"
# Epochs that say little yet.
_WARM_UP = 5


def study_name(collection: str) -> str:
    """The name of a collection as a file name."""
    return re.sub(r"[^\w.-]+", "-", collection.lower()).strip("-.") or "study"


@contextmanager
def only_here(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; the system lets go of it when the process ends, however it ends.

    Raises
    ------
    OutputError
        Another process holds it, or it cannot be written.
    """
    make_folder(folder)
    lock = filelock.FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise OutputError(
            "Another search is at work in this folder", received=folder, fix="wait for it, or use another --out"
        ) from error
    try:
        yield
    finally:
        lock.release()


def check_own(folder: Path, name: str) -> None:
    """Refuse a folder whose result is that of another study, which would be written over.

    Raises
    ------
    OutputError
        It has other studies, and none of this name.
    """
    place = folder / DATABASE
    if not place.is_file():
        return
    try:
        names = optuna.get_all_study_names(f"sqlite:///{place.resolve()}")
    except Exception:  # what is wrong with the database is said by `open_study`
        return
    if names and name not in names:
        raise OutputError(
            "The search of another collection is in this folder",
            received=f"{folder}: {', '.join(names)}",
            fix="use another --out",
        )


def open_study(storage: str | None, name: str, folder: Path, *, seed: int, facts: Mapping[str, Any]) -> optuna.Study:
    """Create a study, or go on with it.

    Parameters
    ----------
    storage
        Address of a database as SQLAlchemy writes it; a SQLite file in ``folder`` when not given.
    name
        Of the study.
    folder
        Held by this process (see `only_here`).
    seed
        Of the suggestions; the same seed suggests the same where one process works alone.
    facts
        Collection and options, which all trials of a study must have in common.

    Raises
    ------
    ConfigError
        The database cannot be opened, or its study of this name is about something else.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    address = storage or f"sqlite:///{(folder / DATABASE).resolve()}"
    try:
        study = optuna.create_study(
            storage=address,
            study_name=name,
            direction="maximize",
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=_WARM_UP),
        )
        trials = study.get_trials(deepcopy=False)
        known = study.user_attrs.get(_FACTS)
    except Exception as error:  # of SQLAlchemy, of a driver, or of its absence
        raise ConfigError(
            "The database of the study cannot be opened",
            received=without_credentials(address),
            fix="check the address, and that its driver is installed",
        ) from error
    if known is None:
        study.set_user_attr(_FACTS, dict(facts))
    elif known != dict(facts):
        other = " and ".join(sorted(key for key in facts if known.get(key) != facts[key]))
        raise ConfigError(
            f"The study of this name was made with another {other}", received=name, fix="choose another --study name"
        )
    if storage is None:
        _settle(study, trials)
        study.sampler = optuna.samplers.TPESampler(seed=derived_seed(seed, "trials", len(trials)) % 2**32)
    else:
        study.sampler = optuna.samplers.TPESampler()  # machines with one seed would all try the same
    return study


def _settle(study: optuna.Study, trials: list[FrozenTrial]) -> None:
    """Trials that a killed process has left running."""
    for trial in trials:
        if trial.state is TrialState.RUNNING:
            study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)


def ensure_baseline(study: optuna.Study) -> None:
    """Let the next trial be the options as they are, unless that was tried: no search may end below them."""
    alive = (TrialState.WAITING, TrialState.RUNNING, TrialState.COMPLETE)
    if not any(trial.user_attrs.get(BASELINE) and trial.state in alive for trial in study.get_trials(deepcopy=False)):
        study.enqueue_trial({}, user_attrs={BASELINE: True})


def finished(study: optuna.Study) -> list[FrozenTrial]:
    """Trials that count: complete, stopped early, or failed on their own account."""
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
        or (trial.state is TrialState.FAIL and PROBLEM in trial.user_attrs)
    ]
