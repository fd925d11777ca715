"""What kind of images a collection holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from lince.core.types import LabelSpace, Sample
from lince.data import Collection, load
from lince.data.modality import recognise


def collection(
    name: str = "images",
    *,
    modalities: Sequence[str | None] = (None,) * 4,
    attribute: str = "modality",
    source: str = "images",
    classes: tuple[str, ...] = ("benign", "malignant"),
) -> Collection:
    samples = tuple(
        Sample(f"{number}.png", classes[number % 2], attributes={} if value is None else {attribute: value})
        for number, value in enumerate(modalities)
    )
    return Collection(name, samples, LabelSpace(classes), source)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("US", "ultrasound"), ("CR", "xray"), ("DX", "xray"), ("MG", "xray"), ("SM", "histology"), ("CT", "ct"),
        ("MR", "mr"), ("CT - noncontrast", "ct"), ("MR - T1W w/Gd (fat suppressed)", "mr"), ("ct", "ct"),
        ("Ultrasound", "ultrasound"),
    ],
)  # fmt: skip
def test_the_modality_decides(value: str, kind: str) -> None:
    found = recognise(collection("chest xrays", modalities=[value] * 4))
    assert found.kind == kind
    assert found.why == f"the attribute modality says {kind}"


def test_the_attribute_may_be_written_in_another_way() -> None:
    assert recognise(collection(modalities=["US"] * 4, attribute="Modality")).kind == "ultrasound"
    assert recognise(collection(modalities=["MR"] * 4, attribute="modalidade")).kind == "mr"


def test_two_modalities_are_two_kinds() -> None:
    found = recognise(collection(modalities=["CT", "MR", "CT", "MR"]))
    assert found.kinds == {"ct", "mr"}
    assert found.kind is None
    assert "ct and mr" in found.why


def test_one_odd_value_among_many_is_a_mistake_and_many_unknown_ones_tell_nothing() -> None:
    assert recognise(collection(modalities=["CT"] * 199 + ["US"])).kind == "ct"
    assert recognise(collection(modalities=["CT"] * 3 + ["OP"])).kinds == frozenset()
    assert recognise(collection(modalities=["CT"] + [None] * 9)).kinds == frozenset()


@pytest.mark.parametrize(
    ("name", "source", "kind"),
    [
        ("BreakHis", "histology_slides", "histology"),
        ("BreastMNIST", "breastmnist", "ultrasound"),
        ("PneumoniaMNIST 64", "medmnist:pneumoniamnist", "xray"),
        ("mine", "files/chestmnist_64.npz", "xray"),
        ("OrganAMNIST", "organamnist", "ct"),
    ],
)
def test_known_collections_are_known(name: str, source: str, kind: str) -> None:
    assert recognise(collection(name, source=source)).kind == kind


@pytest.mark.parametrize("name", ["DermaMNIST", "RetinaMNIST", "OCTMNIST"])
def test_skin_and_eyes_are_none_of_the_kinds(name: str) -> None:
    assert recognise(collection(name, source=name.lower())).kinds == frozenset()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("chest_xray", "xray"), ("Chest X-Ray", "xray"), ("radiografias-torax", "xray"), ("busi", "ultrasound"),
        ("Ecografia da mama", "ultrasound"), ("histopathology", "histology"), ("COVID-CT", "ct"), ("Brain MRI", "mr"),
    ],
)  # fmt: skip
def test_words_in_the_name_tell(name: str, kind: str) -> None:
    found = recognise(collection(name))
    assert found.kind == kind
    assert "name" in found.why


def test_words_in_the_folder_and_the_class_names_tell_when_the_name_does_not() -> None:
    assert recognise(collection(source="/data/ultrasound/set1")).kind == "ultrasound"
    assert recognise(collection(classes=("CT normal", "CT covid"))).kind == "ct"


@pytest.mark.parametrize("name", ["ct and ultrasound", "images", "act", "mrs", "plus", ""])
def test_words_that_point_two_ways_or_nowhere_tell_nothing(name: str) -> None:
    found = recognise(collection(name))
    assert found.kinds == frozenset()
    assert "nothing tells" in found.why


@pytest.mark.real_data
def test_real_collections(real_data: Path) -> None:
    places = {
        "busi": "ultrasound", "chest_xray": "xray", "breakhis": "histology", "medmnist/breastmnist.npz": "ultrasound",
    }  # fmt: skip
    assert {place: recognise(load(real_data / place)).kind for place in places} == places
    assert recognise(load(real_data / "medpix")).kinds == {"ct", "mr"}
