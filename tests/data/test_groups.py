"""Patients from file names."""

from __future__ import annotations

import pytest

from lince.core.types import Sample
from lince.data.groups import SCHEMES, groups_from_names, join_copies


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("person12_virus_3.jpeg", "person12"),
        ("person12_bacteria_46.jpeg", "person12"),
        ("person1372_bacteria_3501_2.jpeg", "person1372"),
        ("IM-0115-0001.jpeg", "IM-0115"),
        ("IM-0115-0001-0002.jpeg", "IM-0115"),
        ("NORMAL2-IM-0115-0001.jpeg", "NORMAL2-IM-0115"),
        ("SOB_M_DC-14-13412-40-001.png", "SOB-14-13412"),
        ("SOB_M_LC-14-13412-400-021.png", "SOB-14-13412"),
        ("SOB_B_F-14-14134E-100-007.png", "SOB-14-14134E"),
        ("patient007_left.png", "patient007"),
        ("Subject-12-scan3.dcm", "Subject-12"),
        ("benign (10).png", None),
        ("malignant_12.png", None),
        ("image_0012_1.png", None),
        ("person_12.png", None),
        ("personal_12_virus.png", None),
        ("1.2.840.113619.2.55", None),
        ("patient.png", None),
        ("phantom_benign_0001.png", None),
    ],
)
def test_each_scheme_reads_the_patient_and_nothing_else(name: str, group: str | None) -> None:
    assert [scheme.group(name) for scheme in SCHEMES if scheme.group(name)] == ([group] if group else [])


def test_one_patient_across_virus_and_bacteria_and_two_numberings_of_normals() -> None:
    names = [
        "person1_virus_1.jpeg",
        "person1_bacteria_2.jpeg",
        "IM-0001-0001.jpeg",
        "NORMAL2-IM-0001-0001.jpeg",
    ]
    labels = ["PNEUMONIA", "PNEUMONIA", "NORMAL", "NORMAL"]
    assert groups_from_names(names, labels) == ["person1", "person1", "IM-0001", "NORMAL2-IM-0001"]


def test_a_scheme_counts_only_where_it_fits_the_class() -> None:
    stray = ["patient1_a.png", *(f"scan{i}.png" for i in range(9))]
    fitting = [*(f"patient{i}_a.png" for i in range(9)), "odd.png"]
    groups = groups_from_names(stray + fitting, ["a"] * 10 + ["b"] * 10)
    assert groups[:10] == [None] * 10
    assert groups[10:] == [*(f"patient{i}" for i in range(9)), None]


def test_a_scheme_that_fits_the_whole_reaches_a_small_class() -> None:
    names = [f"patient{i}_a.png" for i in range(20)] + ["patient3_b.png", "odd.png"]
    assert groups_from_names(names, ["a"] * 20 + ["b", "b"])[20:] == ["patient3", None]


def test_sample_names_are_what_is_read() -> None:
    sample = Sample("person1_virus_1/scan.png", "a")
    assert groups_from_names([sample.name], ["a"]) == [None]


def test_groups_that_hold_the_same_file_become_one() -> None:
    groups = ["p1", "p1", "p2", "p3", None, None, None, "p4", None]
    digests = ["a", "b", "b", "c", "d", "d", "e", "f", "f"]
    assert join_copies(groups, digests) == [
        "p1+p2", "p1+p2", "p1+p2", "p3", "copy-d", "copy-d", None, "p4", "p4",
    ]  # fmt: skip


def test_a_chain_of_copies_is_one_group() -> None:
    groups = [f"p{number}" for number in (1, 2, 2, 3, 3, 4)]
    assert set(join_copies(groups, ["a", "a", "b", "b", "c", "c"])) == {"p1+p2+p3+p4"}
