"""Flags derive from the options; help and usage errors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

import lince
from lince.cli import app, main
from lince.core.events import EventBus
from lince.training import run
from lince.training.options import TrainOptions


def test_every_option_of_training_has_a_flag_with_its_description(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help"]) == 0
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    for name, field in TrainOptions.model_fields.items():
        assert f"--{name.replace('_', '-')}" in text
        assert field.description
        assert field.description.split(":")[0] in text


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == lince.__version__


def test_without_a_verb_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    shown = capsys.readouterr()
    text = shown.out + shown.err
    assert all(verb in text for verb in typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("verb", ["train", "evaluate", "predict", "explain", "serve", "demo", "data", "data info"])
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*verb.split(), "--help"]) == 0
    assert re.search(rf"Usage: .*{verb} \[OPTIONS\]", capsys.readouterr().out)


def test_flags_win_over_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def pretend(source: str, *, bus: EventBus, **rest: Any) -> None:
        given.update(rest)
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "train", pretend)
    config = tmp_path / "run.yaml"
    config.write_text("seed: 3\nepochs: 9\nimbalance: none\n", encoding="utf-8")
    assert main(["train", "anything", "--config", str(config), "--epochs", "2", "--augment", "none"]) == 130
    options = given["options"]
    assert (options.seed, options.epochs, options.imbalance, options.augment) == (3, 2, "none", "none")


@pytest.mark.parametrize(
    "arguments",
    [
        "train",
        "nonsense",
        "train x --modle y",
        "train x --preset slow",
        "train x --epochs many",
        "serve x --port 70000",
    ],
)
def test_a_wrong_command_is_answered_in_one_line(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments.split()) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("lince: ")
    assert "--help" in said


@pytest.mark.parametrize(("given", "hint"), [("10", "write 10% or 0.1"), ("ten", "write 10% or 0.1")])
def test_a_share_of_more_than_everything_is_refused(given: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "bundle", "scan.png", "--refer", given]) == 2
    assert hint in re.sub(r"[\s│]+", " ", capsys.readouterr().err)
