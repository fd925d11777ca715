"""The table of what is searched agrees with the options that there are."""

from __future__ import annotations

import optuna
import pytest

from lince.core.errors import ConfigError
from lince.core.options import SourceOptions
from lince.models import ModelEntry, entry_for
from lince.training.options import TrainOptions, parse_options
from lince.tuning.space import SPACE, Between, OneOf, named_values, searched, suggest, with_values


def ends(values: Between | OneOf, field: str) -> tuple[object, ...]:
    return (values.low, values.high) if isinstance(values, Between) else values.values or named_values(field)


@pytest.mark.parametrize(("field", "values"), [(field, values) for field, values, _ in SPACE])
def test_every_value_is_one_that_the_options_take(field: str, values: Between | OneOf) -> None:
    allowed = ends(values, field)
    assert len(allowed) > 1
    for value in allowed:
        assert getattr(parse_options({field: value}), field) == value


def test_what_decides_images_and_split_is_not_searched() -> None:
    deciding = {"seed", "image_size", "fit", "intensity", "model", "weights", *SourceOptions.model_fields}
    assert deciding <= TrainOptions.model_fields.keys()
    assert {field for field, _, _ in SPACE} & deciding == set()


def test_names_come_from_the_type_of_the_field() -> None:
    assert set(named_values("schedule")) == {"plateau", "cosine"}
    assert "auto" not in named_values("imbalance")
    assert "focal" in named_values("imbalance")
    with pytest.raises(TypeError):
        named_values("model")


def suggestions(entry: ModelEntry, **set_by_user: object) -> dict[str, set[object]]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    found: dict[str, set[object]] = {}
    for _ in range(60):
        trial = study.ask()
        options = suggest(trial, parse_options(set_by_user), entry)
        assert options.model_fields_set == {*set_by_user, *trial.params}
        for name, value in set_by_user.items():
            assert getattr(options, name) == value
        assert (options.imbalance == "focal") == ("focal_gamma" in trial.params) or "focal_gamma" in set_by_user
        for name, value in trial.params.items():
            found.setdefault(name, set()).add(value)
    return found


def test_only_what_means_something_is_suggested() -> None:
    pretrained, scratch = entry_for("efficientnet-lite0"), entry_for("small-cnn")
    everything = suggestions(pretrained)
    assert everything.keys() == {field for field, _, _ in SPACE}
    assert all(len(values) > 1 for values in everything.values())
    assert everything.keys() - suggestions(pretrained, preset="fast").keys() == {"tune_lr", "stage_decay"}
    assert everything.keys() - suggestions(scratch).keys() == {"tune_lr", "stage_decay"}
    assert everything.keys() - suggestions(pretrained, lr=0.01, imbalance="none").keys() == {
        "lr", "imbalance", "focal_gamma",
    }  # fmt: skip


def test_nothing_left_to_search_is_said() -> None:
    entry = entry_for("small-cnn")
    fields = {field: ends(values, field)[0] for field, values, _ in SPACE}
    with pytest.raises(ConfigError, match="nothing to search"):
        searched(parse_options(fields), entry)
    del fields["warmup"]
    assert searched(parse_options(fields), entry) == ["warmup"]


def test_defaults_stay_unset() -> None:
    base = parse_options({"positive": "b"})
    assert with_values(base, {"lr": 0.002}).model_dump(exclude_unset=True) == {"positive": "b", "lr": 0.002}
    assert with_values(base, {}) == TrainOptions(positive="b")
