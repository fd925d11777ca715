"""Studies: when a trial is stopped, what their names are."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from lince.tuning.study import open_study, study_name


def test_a_trial_behind_the_median_is_stopped_from_the_fifth_epoch(tmp_path: Path) -> None:
    study = open_study(None, "one", tmp_path, seed=0, facts={})
    for _ in range(5):
        trial = study.ask()
        for epoch in range(1, 11):
            trial.report(0.9, epoch)
        study.tell(trial, 0.9)
    for auc, stopped in ((0.95, None), (0.5, 5)):
        trial = study.ask()
        asked = []
        for epoch in range(1, 11):
            trial.report(auc, epoch)
            asked.append(trial.should_prune())
        assert (asked.index(True) + 1 if any(asked) else None) == stopped
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)


@pytest.mark.parametrize(
    ("collection", "name"), [("BUSI / 2020", "busi-2020"), ("...", "study"), ("Fígado", "fígado"), ("a" * 3, "aaa")]
)
def test_names(collection: str, name: str) -> None:
    assert study_name(collection) == name
