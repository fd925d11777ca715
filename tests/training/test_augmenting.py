"""What ``--augment auto`` becomes, and what is said of it."""

from __future__ import annotations

import pytest

from lince.core.events import Event, EventBus, Noticed
from lince.core.types import LabelSpace, Sample
from lince.data import Collection
from lince.imaging.augmentation import POLICIES
from lince.training.augmenting import choose, settle
from lince.training.options import TrainOptions


def collection(name: str = "images", *modalities: str) -> Collection:
    samples = tuple(
        Sample(f"{number}.png", "ab"[number % 2], attributes={"modality": modality} if modality else {})
        for number, modality in enumerate(modalities or ("", ""))
    )
    return Collection(name, samples, LabelSpace(("a", "b")), name)


@pytest.mark.parametrize(
    ("images", "policy"),
    [
        (collection("chest_xray"), "xray"),
        (collection("busi"), "ultrasound"),
        (collection("BreakHis"), "histology"),
        (collection("images", "CT", "CT"), "ct"),
        (collection("images", "MR", "MR"), "mr"),
        (collection("images", "CT", "MR"), "light"),
        (collection("images"), "medium"),
    ],
)
def test_auto_takes_what_suits(images: Collection, policy: str) -> None:
    choice = choose("auto", images)
    assert choice.name == policy
    assert choice.spec == POLICIES[policy]
    assert choice.why in choice.sentence
    assert choice.spec.caption in choice.sentence
    assert choice.warning is None


@pytest.mark.parametrize(
    ("policy", "images", "warned"),
    [
        ("histology", collection("chest_xray"), "upside down"),
        ("histology", collection("busi"), "upside down"),
        ("medium", collection("images", "CT", "CT"), "left and right"),
        ("strong", collection("images", "MR", "CT"), "left and right"),
        ("medium", collection("chest_xray"), None),
        ("light", collection("images", "CT", "CT"), None),
        ("histology", collection("BreakHis"), None),
        ("histology", collection("images"), None),
        ("none", collection("chest_xray"), None),
    ],
)
def test_a_choice_by_name_is_obeyed_with_a_warning_where_it_does_harm(
    policy: str, images: Collection, warned: str | None
) -> None:
    choice = choose(policy, images)  # type: ignore[arg-type]
    assert choice.name == policy
    assert (choice.warning is None) == (warned is None)
    assert warned is None or warned in str(choice.warning)


def test_none_is_nothing() -> None:
    assert choose("none", collection()).spec is None


def settled(options: TrainOptions, images: Collection) -> tuple[TrainOptions, list[Noticed]]:
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)
    return settle(options, images, bus), [event for event in heard if isinstance(event, Noticed)]


def test_settling_says_what_and_why_once() -> None:
    options, notices = settled(TrainOptions(), collection("busi"))
    assert options.augment == "ultrasound"
    assert len(notices) == 1
    assert "busi" in notices[0].message
    assert "speckle" in notices[0].message
    assert settled(options, collection("busi")) == (options, [])


def test_a_harmful_choice_is_told_as_a_warning() -> None:
    options, notices = settled(TrainOptions(augment="histology"), collection("chest_xray"))
    assert options.augment == "histology"
    assert [notice.level for notice in notices] == ["warning"]


@pytest.mark.parametrize(("written", "meant"), [(False, "none"), (True, "auto"), ("none", "none"), ("mr", "mr")])
def test_yaml_may_say_no(written: object, meant: str) -> None:
    assert TrainOptions(augment=written).augment == meant  # type: ignore[arg-type]
