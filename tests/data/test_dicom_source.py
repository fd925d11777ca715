"""DICOM trees as a source: what is recognised, who is who, where labels come from, what is left out and said."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import uid

from dicom_makers import clip, dataset, written
from lince.core.errors import ConfigError, SourceError
from lince.core.types import LabelSpace
from lince.data import load
from lince.data.collection import Collection
from lince.data.sources.dicom_tree import recognises
from lince.data.splits import split_collection
from lince.imaging import ImageSpec, cached_images
from lince.imaging.dicom import close_workers

Tree = Callable[..., Path]
GREY = np.zeros((4, 6), np.uint8)


@pytest.fixture(scope="module", autouse=True)
def _workers_end_with_the_tests() -> Iterator[None]:
    yield
    close_workers()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A folder of DICOM files: path -> elements; a number of frames with ``frames``."""

    def write(files: dict[str, dict[str, Any]], root: str = "tree") -> Path:
        for number, (name, fields) in enumerate(files.items()):
            frames = fields.pop("frames", 1)
            rng = np.random.default_rng(number)
            pixels = rng.integers(0, 256, (frames, 8, 8), np.uint8)
            fields = {"SOPInstanceUID": f"1.2.3.{number}", "PatientID": f"P{number}"} | fields
            path = tmp_path / root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(written(clip(pixels, **fields) if frames > 1 else dataset(pixels[0], **fields)))
        return tmp_path / root

    return write


def archive(patients: int = 6, images: int = 2) -> dict[str, dict[str, Any]]:
    """A tree as archives export it, without any suffix."""
    return {
        f"PAT{p}/STU0/SER0/IM{i}": {"PatientID": f"P{p}", "StudyInstanceUID": f"1.5.{p}", "PatientSex": "FM"[p % 2]}
        for p in range(patients)
        for i in range(images)
    }


def classes() -> dict[str, dict[str, Any]]:
    return {
        f"{label}/{n}.dcm": {"PatientID": f"{label}-{n // 2}"} for label in ("benign", "malignant") for n in range(4)
    }


def table(folder: Path, text: str) -> Path:
    path = folder.parent / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return path


def told(collection: Collection) -> str:
    return " ".join(collection.notices)


# Which folders are DICOM trees.


def test_trees_and_class_folders_of_dicom_are_recognised(tree: Tree) -> None:
    assert recognises(str(tree(archive(), "archive")))
    assert recognises(str(tree(classes(), "classes")))
    assert recognises(str(tree({"a/b/c/d/e/1": {}}, "deep")))


def test_an_image_of_another_kind_makes_it_a_folder(tree: Tree) -> None:
    folder = tree(classes())
    Image.new("L", (8, 8)).save(folder / "benign" / "0.png")
    assert not recognises(str(folder))
    assert len(load(folder)) == 9  # every image of both kinds


def test_a_dicomdir_makes_it_a_tree_whatever_lies_beside(tree: Tree) -> None:
    folder = tree(classes())
    Image.new("L", (8, 8)).save(folder / "benign" / "0.png")
    (folder / "DICOMDIR").write_bytes(b"")
    assert recognises(str(folder))
    found = load(folder)
    assert len(found) == 8
    assert "not DICOM were left alone: .png 1" in told(found)


def test_other_folders_are_not_recognised(tmp_path: Path, tiny_images: Path) -> None:
    assert not recognises(str(tiny_images))
    assert not recognises(str(tmp_path))
    assert not recognises(str(tmp_path / "gone"))
    assert not recognises("")


# Labels.


def test_labels_by_patient_from_a_table(tree: Tree) -> None:
    folder = tree(archive())
    rows = "".join(f"P{p},{'ab'[p % 2]}\n" for p in range(5))
    found = load(folder, table=table(folder, "PatientID,diagnosis\n" + rows + "P99,a\n"))
    assert found.counts() == {"a": 6, "b": 4}
    assert {sample.group for sample in found.samples} == {f"P{p}" for p in range(5)}
    assert "joined on PatientID by its column PatientID: 10 of 12 files have one" in told(found)
    assert "1 of 6 rows of labels.csv names no file here" in told(found)


def test_contradicting_rows_are_skipped_files(tree: Tree) -> None:
    folder = tree(archive())
    found = load(folder, table=table(folder, "PatientID,label\nP0,a\nP1,b\nP2,a\nP2,b\n"))
    assert len(found) == 4
    assert [Path(skip.path).parent.parent.parent.name for skip in found.skipped] == ["PAT2", "PAT2"]
    assert "contradict each other: a (line 4), b (line 5)" in found.skipped[0].reason


def test_a_table_inside_the_tree_is_not_an_image(tree: Tree) -> None:
    folder = tree(archive())
    path = table(folder, "PatientID,label\n" + "".join(f"P{p},{'ab'[p % 2]}\n" for p in range(6)))
    inside = Path(shutil.move(path, folder / "labels.csv"))
    found = load(folder, table=inside)
    assert len(found) == 12
    assert "not DICOM" not in told(found)


def test_labels_from_an_attribute(tree: Tree) -> None:
    found = load(tree(archive()), target="sex")
    assert found.counts() == {"F": 6, "M": 6}
    with pytest.raises(ConfigError, match="did you mean sex"):
        load(found.source, target="sexo")


def test_labels_from_class_folders_with_patients_from_headers(tree: Tree) -> None:
    found = load(tree(classes()))
    assert found.counts() == {"benign": 4, "malignant": 4}
    assert Counter(sample.group for sample in found.samples).most_common(1)[0][1] == 2
    assert found.samples[0].attributes["modality"] == "CR"


def test_parts_are_kept(tree: Tree) -> None:
    files = {f"{part}/{name}": {} for part in ("train", "Test") for name in ("a/1", "a/x/2", "b/3")}
    found = load(tree(files | {"notes/scan": {}}))
    assert found.counts_by_split() == {"train": {"a": 2, "b": 1}, "test": {"a": 2, "b": 1}}
    assert "DICOM files beside the folders of the parts were left alone: 1." in told(found)


def test_parts_are_kept_beside_a_table(tree: Tree) -> None:
    files = {f"{part}/{n}.dcm": {"PatientID": f"{part}{n}"} for part in ("train", "test") for n in range(2)}
    folder = tree(files)
    found = load(folder, table=table(folder, "pid,label\ntrain0,a\ntrain1,b\ntest0,a\ntest1,b\n"))
    assert found.counts_by_split() == {"train": {"a": 1, "b": 1}, "test": {"a": 1, "b": 1}}


def test_folders_of_patients_are_not_classes(tree: Tree) -> None:
    with pytest.raises(SourceError, match="hold one patient each, so they are not classes") as caught:
        load(tree(archive()))
    assert "--table labels.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("files", "options", "said"),
    [
        ({"1": {}, "2": {}}, {}, "have no labels"),
        ({"a/1": {}, "a/2": {}}, {}, "only one class, the folder a"),
        ({"a/1": {}, "b/2": {}}, {"target": "modality"}, "every modality is CR"),
    ],
)
def test_too_few_classes(tree: Tree, files: dict[str, dict[str, Any]], options: dict[str, Any], said: str) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        load(tree(files), **options)
    assert "--table" in str(caught.value)


def test_one_class_will_do_to_measure_a_model_that_knows_it(tree: Tree) -> None:
    space = LabelSpace(("a", "b"), "b")
    assert load(tree({"a/1": {}, "a/2": {}}), classes=space).labels == space


# Who is who.


def test_a_patient_in_two_classes_is_one_group(tree: Tree) -> None:
    found = load(tree({"a/1": {"PatientID": "P"}, "b/1": {"PatientID": "P"}, "b/2": {}}))
    assert [sample.group for sample in found.samples] == ["P", "P", "P2"]


def test_without_patient_the_name_then_the_study_then_the_file(tree: Tree) -> None:
    nobody = {"PatientID": ""}
    found = load(tree({
        "a/1": nobody | {"StudyInstanceUID": "1.7"}, "a/2": nobody, "a/3": nobody | {"frames": 2}, "b/1": {},
    }))  # fmt: skip
    assert [sample.group for sample in found.samples] == ["1.7", None, "a/3", "a/3", "P3"]
    assert "3 of 4 files have no PatientID" in told(found)
    files = {f"{label}/patient{n}_x.dcm": {"PatientID": ""} for label in "ab" for n in range(3)}
    assert load(tree(files, "named")).samples[1].group == "patient1"


def test_one_id_for_all_is_nobody(tree: Tree) -> None:
    files = {f"{label}/{n}": {"PatientID": "ANON", "StudyInstanceUID": f"1.{n}"} for label in "ab" for n in range(3)}
    found = load(tree(files))
    assert {sample.group for sample in found.samples} == {"1.0", "1.1", "1.2"}
    assert "probably a placeholder" in told(found)


# Frames.


def test_each_frame_is_a_sample_and_a_patient_stays_whole(tree: Tree, tmp_path: Path) -> None:
    files = {f"{label}/{n}.dcm": {"frames": 3 if n else 1} for label in "ab" for n in range(4)}
    found = load(tree(files))
    assert len(found) == 2 * (1 + 3 * 3)
    assert [(s.name, s.row) for s in found.samples[:3]] == [("0.dcm", None), ("1.dcm[0]", 0), ("1.dcm[1]", 1)]
    assert found.samples[1].attributes["frames"] == 3
    assert "Files of several frames: 6, with 18 frames in all" in told(found)
    sides = Counter((s.group, s.split) for s in split_collection(found).samples)
    assert len(sides) == 8
    array = cached_images(found.samples, ImageSpec(size=8, channels=1), folder=tmp_path / "arrays")
    assert not array.skipped
    assert len(set(array.digests)) == len(found)


# What is left out, and said.


def test_bad_files_among_good_ones(tree: Tree) -> None:
    folder = tree(classes())
    good = (folder / "benign" / "0.dcm").read_bytes()
    (folder / "benign" / "cut.dcm").write_bytes(good[:300])
    (folder / "benign" / "fake.dcm").write_bytes(b"no picture")
    (folder / "benign" / "notes.txt").write_text("notes")
    (folder / "benign" / "report").write_bytes(written(dataset(GREY, Modality="SR", Rows=None)))
    (folder / "benign" / "copy").write_bytes(good)
    (folder / "lince.json").write_text('{"name": "Clinic", "synthetic": true}')
    found = load(folder)
    assert (found.name, found.synthetic, len(found)) == ("Clinic", True, 9)
    assert {Path(skip.path).name: skip.reason for skip in found.skipped} == {
        "cut.dcm": "This DICOM file is damaged or cut short",
        "fake.dcm": "not a DICOM file, whatever its name says",
    }
    assert found.notices == (
        "Files that repeat the SOPInstanceUID of another, so probably copies of it: 1.",
        "DICOM objects without a picture were left alone: SR 1.",
        "Files that are not DICOM were left alone: .txt 1.",
    )


def test_a_tree_without_a_picture_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "b").write_bytes(written(dataset(GREY, Modality="SR", SOPClassUID=uid.ComprehensiveSRStorage)))
    with pytest.raises(SourceError, match=r"no DICOM image .*objects without a picture: SR 1; other files: \.txt 1"):
        load(f"dicom:{tmp_path}")
    with pytest.raises(SourceError, match="no such folder"):
        load(f"dicom:{tmp_path / 'gone'}")


def test_where_works_on_the_attributes_of_headers(tree: Tree) -> None:
    found = load(tree(archive()), target="sex", where=["modality=CR", "group!=P0"])
    assert len(found) == 10


@pytest.mark.real_data
def test_real_files(real_data: Path) -> None:
    found = load(real_data / "dicom", target="modality")
    assert len(found) == 4
    assert found.has_groups
    assert not found.skipped
