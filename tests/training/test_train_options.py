"""Options: one place, errors that name the key, flags and YAML that derive from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lince.core.errors import ConfigError
from lince.training.options import TrainOptions, parse_options, read_options


def test_an_unknown_key_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="did you mean epochs") as caught:
        parse_options({"epoch": 3})
    assert caught.value.received == "epoch"


def test_a_key_like_no_other_is_answered_with_the_list() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_options({"zzz": 3})
    assert all(name in caught.value.sentence for name in TrainOptions.model_fields)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("preset", "slow"),
        ("epochs", 0),
        ("image_size", 8),
        ("seed", -1),
        ("batch_size", 1),
        ("imbalance", "maybe"),
        ("thaw", "most"),
        ("thaw", False),
        ("lr", 0),
        ("fit", "squeeze"),
        ("language", "fr"),
    ],
)
def test_a_wrong_value_names_the_key_and_what_was_received(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"option {key} is not valid") as caught:
        parse_options({key: value})
    assert caught.value.received == str(value)


def test_a_yaml_file_is_a_table_of_options_with_dashes_or_underscores(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("image-size: 64\ntune_epochs: 2\npreset: fast\n", encoding="utf-8")
    options = parse_options(read_options(config))
    assert (options.image_size, options.tune_epochs, options.preset) == (64, 2, "fast")


@pytest.mark.parametrize("text", ["- a\n- b\n", "seed: [1", "", "\x00"])
def test_a_yaml_file_that_is_no_table_is_one_sentence(tmp_path: Path, text: str) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="configuration") as caught:
        read_options(config)
    assert "\n" not in caught.value.sentence


def test_a_missing_yaml_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_options(tmp_path / "none.yaml")


def test_options_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        TrainOptions().seed = 4  # type: ignore[misc]
