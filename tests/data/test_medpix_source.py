"""Source ``medpix``: divided and undivided files, the joined case, damage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from medpix_maker import DEV, TRAIN, description, told, write_images, write_lines, write_medpix

from lince.core.errors import ConfigError, SourceError
from lince.data import load, split_collection


@pytest.fixture
def medpix(tmp_path: Path) -> Path:
    return write_medpix(tmp_path / "MedPix")


def append(path: Path, *lines: str | bytes) -> None:
    with path.open("ab") as stream:
        for line in lines:
            stream.write((line.encode() if isinstance(line, str) else line) + b"\n")


def test_official_parts_groups_and_the_joined_case(medpix: Path) -> None:
    collection = load(medpix)
    assert collection.counts_by_split() == {"train": {"CT": 3, "MR": 2}, "val": {"CT": 1, "MR": 1}}
    assert [s.group for s in collection.samples[:3]] == ["MPX1", "MPX1", "MPX2"]
    facts = collection.samples[0].attributes
    assert facts["age"] == 73
    assert (facts["sex"], facts["plane"], facts["modality"]) == ("male", "Axial", "CT - noncontrast")
    assert (facts["history"], facts["diagnosis"], facts["treatment"]) == ("History 1", "Diagnosis 1", "Rest.")
    assert (facts["topic"], facts["category"], facts["acr_codes"]) == ("Topic 1", "Trauma", "8.-1")
    # N/A and null are no facts.
    assert not {"exam", "findings", "figure_part"} & set(facts)
    assert any("--target location" in notice for notice in collection.notices)


def test_location_keeps_the_classes_of_all_parts(medpix: Path) -> None:
    collection = load(medpix, target="location")
    assert collection.labels.names == ("Abdomen", "Brain and Neuro", "Chest, Pulmonary", "Spine")
    assert collection.labels.positive is None
    in_val = collection.counts_by_split()["val"]
    assert in_val == {"Abdomen": 1, "Brain and Neuro": 1, "Chest, Pulmonary": 0, "Spine": 0}
    assert not any("--target" in notice for notice in collection.notices)
    with pytest.raises(ConfigError, match=r"no such target.*plane"):
        load(medpix, target="plane")


def test_age_is_compared_as_a_number_and_an_age_of_zero_without_sex_is_none(medpix: Path) -> None:
    lines = [description(7, 70, "CT", Age="0", Sex="N/A"), description(8, 80, "CT", Age="0", Sex="male")]
    write_lines(medpix / "splitted_dataset" / "descriptions_test.jsonl", lines)
    write_images(medpix / "images", lines)
    ages = {s.name: s.attributes.get("age") for s in load(medpix).samples}
    assert ages["MPX7_synpic70.png"] is None
    assert ages["MPX8_synpic80.png"] == 0
    kept = load(medpix, where=["age<18"])
    assert {s.name for s in kept.samples} == {"MPX3_synpic30.png", "MPX8_synpic80.png"}


def test_undivided_files_give_the_same_images_without_parts(medpix: Path) -> None:
    whole = medpix.parent / "whole"
    whole.mkdir()
    shutil.copytree(medpix / "images", whole / "images")
    (whole / "Descriptions.json").write_text(json.dumps(TRAIN + DEV), encoding="utf-8")
    (whole / "Case_topic.json").write_text(json.dumps([told(case) for case in range(1, 7)]), encoding="utf-8")
    divided, undivided = load(medpix), load(whole)
    assert {s.split for s in undivided.samples} == {None}
    assert [(s.name, s.label, s.attributes) for s in undivided.samples] == [
        (s.name, s.label, s.attributes) for s in divided.samples
    ]
    assert load(whole / "Descriptions.json").digest() == undivided.digest()


@pytest.mark.parametrize("inside", ["splitted_dataset", "splitted_dataset/descriptions_train.jsonl"])
def test_a_folder_below_or_one_file_will_do(medpix: Path, inside: str) -> None:
    collection = load(medpix / inside)
    assert len(collection) == (7 if inside.endswith("dataset") else 5)
    assert collection.samples[0].attributes["history"] == "History 1"


def test_halves_of_train_are_read_only_where_there_is_no_whole(medpix: Path) -> None:
    folder = medpix / "splitted_dataset"
    write_lines(folder / "descriptions_train_1.jsonl", TRAIN[:3])
    write_lines(folder / "descriptions_train_2.jsonl", TRAIN[3:])
    assert not load(medpix).skipped
    (folder / "descriptions_train.jsonl").unlink()
    collection = load(medpix)
    assert len(collection) == 7
    assert not collection.skipped


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"U_id": "MPX9", "image', "line is not JSON"),
        (b'{"U_id": "MPX\xff9"}', "line is not UTF-8"),
        ("[" * 100_000, "line is not JSON"),
        ("[1, 2]", "record is no JSON object"),
        (json.dumps(description(9, 90)), "image is missing, MPX9_synpic90"),
        (json.dumps(TRAIN[0]), "described already"),
        (json.dumps(TRAIN[0] | {"image": "../splitted_dataset/data_train"}), "image is missing"),
        (json.dumps(TRAIN[0] | {"image": None}), "no image"),
        (json.dumps({k: v for k, v in TRAIN[0].items() if k != "U_id"} | {"Type": None}), "no U_id and no type"),
    ],
)
def test_a_damaged_line_is_reported_with_its_number(medpix: Path, line: str | bytes, reason: str) -> None:
    file = medpix / "splitted_dataset" / "descriptions_train.jsonl"
    append(file, line)
    collection = load(medpix)
    assert len(collection) == 7
    (skipped,) = collection.skipped
    assert skipped.path == f"{file}:6"
    assert reason in skipped.reason


def test_a_location_left_blank_is_no_class_but_the_image_has_a_type(medpix: Path) -> None:
    line = description(9, 90, location="Left Blank")
    append(medpix / "splitted_dataset" / "descriptions_dev.jsonl", json.dumps(line))
    write_images(medpix / "images", [line])
    assert len(load(medpix)) == 8
    by_place = load(medpix, target="location")
    assert "Left Blank" not in by_place.labels.names
    assert [skipped.reason for skipped in by_place.skipped] == ["the image has no location"]


def test_damaged_and_missing_cases_leave_the_images(medpix: Path) -> None:
    folder = medpix / "splitted_dataset"
    write_lines(folder / "data_train.jsonl", [told(1), told(1, Title="again"), told(2) | {"Case": "text"}])
    append(folder / "data_train.jsonl", '{"U_id": "MPX3"')
    collection = load(medpix)
    assert len(collection) == 7
    reasons = [skipped.reason for skipped in collection.skipped]
    assert reasons == ["the case was told already, by an earlier line", "line is not JSON"]
    assert collection.samples[0].attributes["title"] == "Title 1"
    assert collection.samples[2].attributes["topic"] == "Topic 2"
    assert "2 images have no clinical case in the files." in collection.notices


def test_a_case_on_two_sides_of_the_given_split_is_told(medpix: Path) -> None:
    line = description(1, 12, "MR")
    append(medpix / "splitted_dataset" / "descriptions_dev.jsonl", json.dumps(line))
    write_images(medpix / "images", [line])
    collection = load(medpix)
    assert {s.split for s in collection.samples if s.group == "MPX1"} == {"train", "val"}
    drawn = split_collection(collection, fractions=(0.8, 0.2, 0.0))
    assert any("two sides" in notice for notice in drawn.notices)


def test_what_is_no_medpix(tmp_path: Path, medpix: Path) -> None:
    with pytest.raises(SourceError, match=r"no MedPix 2\.0 here"):
        load(f"medpix:{tmp_path / 'nowhere'}")
    shutil.rmtree(medpix / "images")
    with pytest.raises(SourceError, match=r"images of MedPix cannot be listed.*beside splitted_dataset"):
        load(medpix)
    (medpix / "images").mkdir()
    with pytest.raises(SourceError, match=r"no class to read here.*first of 7 lines left out.*image is missing"):
        load(medpix)


def test_a_damaged_undivided_file_is_one_sentence(tmp_path: Path) -> None:
    write_images(tmp_path / "images", TRAIN)
    (tmp_path / "Descriptions.json").write_text('[{"Type": "CT",\n "U_id"', encoding="utf-8")
    with pytest.raises(SourceError, match="line 2 is damaged"):
        load(tmp_path)
    (tmp_path / "Descriptions.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SourceError, match="not a JSON list"):
        load(tmp_path)


@pytest.mark.real_data
def test_the_published_set(real_data: Path) -> None:
    collection = load(real_data / "medpix")
    assert collection.counts_by_split() == {"train": {"CT": 878, "MR": 775}, "val": {"CT": 84, "MR": 113}}
    assert len({s.group for s in collection.samples}) == 602
    assert not collection.skipped
    assert all("diagnosis" in s.attributes for s in collection.samples)
    places = load(real_data / "medpix", target="location")
    assert len(places.labels) == 21
    assert places.counts_by_split()["val"]["Nerve, peripheral"] == 0
    assert [s.reason for s in places.skipped] == ["the image has no location"]
