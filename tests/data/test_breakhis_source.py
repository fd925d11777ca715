"""Source ``breakhis``: the official tree, its parts, and the copies that circulate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lince.core.errors import ConfigError, SourceError
from lince.data import load, split_collection

Put = Callable[..., Path]

ROOT = "BreaKHis_v1/histology_slides/breast"
TREE = [
    f"{ROOT}/benign/SOB/adenosis/SOB_B_A_14-22549AB/40X/SOB_B_A-14-22549AB-40-001.png",
    f"{ROOT}/benign/SOB/adenosis/SOB_B_A_14-22549AB/100X/SOB_B_A-14-22549AB-100-002.png",
    f"{ROOT}/benign/SOB/fibroadenoma/SOB_B_F_14-9133/400X/SOB_B_F-14-9133-400-010.png",
    f"{ROOT}/malignant/SOB/ductal_carcinoma/SOB_M_DC_14-13412/40X/SOB_M_DC-14-13412-40-003.png",
    f"{ROOT}/malignant/SOB/lobular_carcinoma/SOB_M_LC_14-13412/200X/SOB_M_LC-14-13412-200-004.png",
]


@pytest.mark.parametrize("inside", ["", "BreaKHis_v1", "BreaKHis_v1/histology_slides", ROOT])
def test_the_tree_is_recognised_from_every_folder_that_holds_both_classes(put: Put, inside: str) -> None:
    collection = load(put(TREE) / inside)
    assert collection.name == "BreakHis"
    assert collection.counts() == {"benign": 3, "malignant": 2}
    assert collection.labels.positive == "malignant"
    facts = {s.name: dict(s.attributes) for s in collection.samples}
    assert facts["SOB_M_LC-14-13412-200-004.png"] == {
        "class": "malignant", "type": "lobular_carcinoma", "magnification": "200X", "slide": "14-13412",
    }  # fmt: skip
    assert not collection.skipped


def test_one_patient_under_two_tumour_types_is_one_group(put: Put) -> None:
    collection = load(put(TREE), target="type")
    groups = {s.label: s.group for s in collection.samples}
    assert groups["ductal_carcinoma"] == groups["lobular_carcinoma"] == "SOB-14-13412"
    assert len({s.group for s in collection.samples}) == 3


def test_no_tumour_type_is_the_finding_unless_the_user_says_so(put: Put) -> None:
    folder = put(TREE)
    assert load(folder, target="type").labels.positive is None
    assert load(folder, target="type", positive="adenosis").labels.positive == "adenosis"
    with pytest.raises(ConfigError, match=r"no such target.*magnification"):
        load(folder, target="magnification")


def test_magnification_is_a_filter_and_mixing_is_told(put: Put) -> None:
    folder = put(TREE)
    assert [s.name[-10:] for s in load(folder, where=["magnification=40X"]).samples] == ["40-001.png", "40-003.png"]
    assert any("40X 2, 100X 1, 200X 1, 400X 1" in notice for notice in load(folder).notices)


def test_a_split_by_image_is_not_used_and_patients_stay_whole(put: Put) -> None:
    names = [
        *(f"train/benign/SOB_B_F-14-{p}-40-00{n}.png" for p in range(6) for n in (1, 2)),
        *(f"test/benign/SOB_B_F-14-{p}-40-003.png" for p in range(6)),
        *(f"train/malignant/SOB_M_DC-15-{p}-40-00{n}.png" for p in range(6) for n in (1, 2)),
    ]
    collection = load(put(names))
    assert {s.split for s in collection.samples} == {None}
    assert any("6 of 12 patients stand on two sides" in notice for notice in collection.notices)
    sides: dict[str | None, set[str | None]] = {}
    for sample in split_collection(collection).samples:
        sides.setdefault(sample.group, set()).add(sample.split)
    assert all(len(parts) == 1 for parts in sides.values())
    assert set().union(*sides.values()) == {"train", "val", "test"}


def test_a_split_that_keeps_patients_whole_is_kept(put: Put) -> None:
    names = ["train/benign/SOB_B_F-14-1-40-001.png", "train/malignant/SOB_M_DC-14-2-40-001.png"]
    names += ["valid/benign/SOB_B_F-14-3-40-001.png", "test/malignant/SOB_M_DC-14-4-40-001.png"]
    collection = load(put(names))
    assert [s.split for s in collection.samples] == ["test", "train", "train", "val"]
    assert not any("two sides" in notice for notice in collection.notices)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (f"{ROOT}/benign/SOB/adenosis/notes.png", "not of the form"),
        (f"{ROOT}/benign/SOB/adenosis/SOB_B_XX-14-1-40-001.png", "unknown tumour type XX"),
        (
            f"{ROOT}/benign/SOB/adenosis/SOB_B_DC-14-1-40-001.png",
            "but its tumour type is ductal_carcinoma",
        ),
        (f"{ROOT}/malignant/SOB/SOB_B_A-14-1-40-001.png", "says benign, but it lies in malignant/"),
        (f"{ROOT}/benign/SOB/adenosis/x/100X/SOB_B_A-14-1-40-001.png", "says 40X, but it lies in 100X/"),
        ("copies/SOB_B_A-14-22549AB-40-001.png", "read already"),
    ],
)
def test_an_odd_file_is_reported_and_the_others_are_read(put: Put, name: str, reason: str) -> None:
    collection = load(put([*TREE, name]))
    assert len(collection) == len(TREE)
    (skipped,) = collection.skipped
    assert reason in skipped.reason


def test_one_class_alone_says_where_the_other_is(put: Put) -> None:
    benign = put(TREE) / ROOT / "benign"
    with pytest.raises(SourceError, match=r"only one class here, benign.*--target type"):
        load(benign)
    assert load(benign, target="type").counts() == {"adenosis": 2, "fibroadenoma": 1}


def test_other_folders_are_not_taken_for_breakhis(put: Put) -> None:
    folder = put("a/1.png", "a/2.png", "a/SOB_B_A-14-1-40-001.png", "b/SOB_M_DC-14-2-40-001.png")
    assert load(folder).labels.names == ("a", "b")
    with pytest.raises(SourceError, match="no BreakHis image"):
        load(f"breakhis:{put('a/1.png', 'b/1.png', root='other')}")
    with pytest.raises(SourceError, match="no such folder"):
        load("breakhis:nowhere")


@pytest.mark.real_data
def test_the_published_images(real_data: Path) -> None:
    collection = load(real_data / "breakhis")
    assert collection.counts() == {"benign": 8, "malignant": 4}
    assert load(real_data / "breakhis", target="type").counts()["fibroadenoma"] == 5
    assert sum(s.group == "SOB-14-25197" for s in collection.samples) == 4
    assert {s.attributes["magnification"] for s in collection.samples} == {"40X", "100X", "200X", "400X"}
    assert not collection.skipped
