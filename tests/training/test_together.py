"""Options that would change nothing beside others are refused, each by its name."""

from __future__ import annotations

from typing import Any

import pytest

from lince.core.errors import ConfigError
from lince.training.options import parse_options
from lince.training.together import check_steps, check_together


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ({"preset": "fast", "thaw": "2"}, "Only a head.*--thaw"),
        ({"phases": 1, "stage_decay": 0.5, "tune_lr": 1e-3}, "Only a head.*--tune-lr and --stage-decay"),
        ({"model": "small-cnn", "thaw": "all"}, "from scratch.*--thaw"),
        ({"model": "small-cnn:width=16", "phases": 2}, "from scratch.*--phases"),
        ({"focal_gamma": 3.0}, "focal loss is not asked for.*--focal-gamma"),
        ({"preset": "best", "model": "efficientnet-lite0", "epochs": 5}, "solved exactly.*--epochs"),
        ({"preset": "best", "imbalance": "adjust"}, "solved exactly.*imbalance adjust"),
        ({"preset": "best", "model": "efficientnet-lite0", "phases": 1, "ema": 0.9}, "solved exactly.*--ema"),
        ({"time_limit": 5.0}, "time limit"),
        ({"classifier": "knn"}, "descriptors alone"),
        ({"mask_terms": True}, "No text is read.*--mask-terms"),
        ({"text": "caption", "lr": 1e-3}, "frozen networks.*--lr"),
        ({"model": "descriptors", "preset": "best"}, "no network.*--preset"),
    ],
)
def test_an_idle_option_is_refused(choices: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        check_together(parse_options(choices))


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"preset": "fast", "lr": 1e-3, "epochs": 5, "schedule": "cosine"},
        {"preset": "fast", "phases": 2, "thaw": "2"},
        {"imbalance": "focal", "focal_gamma": 3.0},
        {"preset": "best", "time_limit": 5.0, "tune_epochs": 3, "imbalance": "weights"},
        {"preset": "best", "model": "small-cnn", "epochs": 5, "imbalance": "focal"},
        {"preset": "best", "epochs": 5},
        {"model": "small-cnn", "epochs": 5, "ema": 0.9},
        {"text": "caption", "mask_terms": True, "preset": "best"},
        {"model": "descriptors", "classifier": "knn", "preset": "fast"},
    ],
)
def test_an_option_with_an_effect_is_not(choices: dict[str, Any]) -> None:
    check_together(parse_options(choices))


def test_steps_of_the_best_preset_reach_a_network_from_scratch_alone() -> None:
    options = parse_options({"preset": "best", "lr": 1e-3})
    check_steps(options, scratch=True)
    with pytest.raises(ConfigError, match=r"solved exactly.*--lr"):
        check_steps(options, scratch=False)
