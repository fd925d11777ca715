"""Source ``folder``: layouts, clutter, and one sentence for each thing that is wrong."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lince.core.errors import ConfigError, SourceError
from lince.core.wording import natural
from lince.data import load

Put = Callable[..., Path]


def test_unsplit_class_folders_in_natural_order(put: Put) -> None:
    folder = put([f"benign/b ({i}).png" for i in (10, 2, 1)], "malignant/deep/er/m.PNG", "malignant/a.jpeg")
    collection = load(folder)
    assert [sample.name for sample in collection.samples] == ["b (1).png", "b (2).png", "b (10).png", "a.jpeg", "m.PNG"]
    assert collection.labels.names == ("benign", "malignant")
    assert collection.labels.positive == "malignant"
    assert collection.counts() == {"benign": 3, "malignant": 2}
    assert collection.name == "set"
    assert not collection.synthetic
    assert not collection.has_groups
    assert {sample.split for sample in collection.samples} == {None}
    assert load(str(folder)).digest() == load(f"folder:{folder}").digest() == collection.digest()


def test_class_names_stay_as_they_are_and_positive_can_be_chosen(put: Put) -> None:
    folder = put("Às vezes/1.png", "10/1.png", "9/1.png")
    assert load(folder).labels.names == ("9", "10", "Às vezes")
    assert load(folder, positive="9").labels.positive == "9"
    with pytest.raises(ConfigError, match="not one of the classes"):
        load(folder, positive="8")


@pytest.mark.parametrize(
    ("folder", "split"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("VAL", "val"),
        ("valid", "val"),
        ("validation", "val"),
        ("dev", "val"),
        ("test", "test"),
        ("testing", "test"),
    ],
)
def test_split_folders_and_their_synonyms(put: Put, folder: str, split: str) -> None:
    collection = load(put(f"{folder}/a/1.png", f"{folder}/b/1.png"))
    assert {sample.split for sample in collection.samples} == {split}
    assert collection.labels.names == ("a", "b")


def test_split_layout_leaves_other_folders_alone_and_says_so(put: Put) -> None:
    collection = load(put("train/a/1.png", "train/b/1.png", "test/a/1.png", "masks/a/1.png"))
    assert collection.counts_by_split() == {"train": {"a": 1, "b": 1}, "test": {"a": 1, "b": 0}}
    assert any("masks" in notice for notice in collection.notices)


def test_a_class_may_be_called_test_when_nothing_says_split(put: Put) -> None:
    assert load(put("test/1.png", "control/1.png")).labels.names == ("control", "test")


def test_pointing_at_train_names_the_collection_by_its_parent(put: Put) -> None:
    assert load(put("train/a/1.png", "train/b/1.png") / "train").name == "set"


def test_clutter_is_ignored_and_other_files_are_counted(put: Put) -> None:
    folder = put("a/1.png", "b/1.png", "__MACOSX/c/1.png", ".hidden/1.png", "b/.2.png", "b/__MACOSX/3.png")
    for name in ("a/Thumbs.db", "a/.DS_Store", "a/DICOMDIR", "a/notes.txt", "a/list.csv", "b/more.csv"):
        (folder / name).write_text("x")
    for name in ("a/scan", "a/1.2.840.113619.2.55.3", "a/x.dcm", "a/y.TIFF"):
        (folder / name).write_text("x")
    collection = load(folder)
    assert sorted(sample.name for sample in collection.samples) == sorted(
        ["1.png", "1.2.840.113619.2.55.3", "scan", "x.dcm", "y.TIFF", "1.png"]
    )
    assert "3 files that are not images were left alone: .csv 2, .txt 1." in collection.notices


def test_one_is_told_as_one(put: Put) -> None:
    folder = put("a/1.png", "a/1_mask.png", "b/1.png")
    (folder / "a" / "notes.txt").write_text("x")
    assert load(folder).notices == (
        "1 segmentation mask beside its image was left out.",
        "1 file that is not an image was left alone: .txt 1.",
    )


def test_busi_masks_beside_their_image_are_left_out(put: Put) -> None:
    folder = put("benign/b (1).png", "benign/b (1)_mask.png", "benign/b (1)_mask_1.png", "normal/n.png")
    put("normal/face_mask.png")
    collection = load(folder)
    assert [sample.name for sample in collection.samples] == ["b (1).png", "face_mask.png", "n.png"]
    assert [Path(skip.path).name for skip in collection.skipped] == ["b (1)_mask.png", "b (1)_mask_1.png"]
    assert any(notice.startswith("2 segmentation masks") for notice in collection.notices)


def test_patients_come_from_kermany_names(put: Put) -> None:
    folder = put("NORMAL/IM-0115-0001.jpeg", "NORMAL/IM-0115-0002.jpeg", "PNEUMONIA/person1_virus_2.jpeg")
    assert [sample.group for sample in load(folder).samples] == ["IM-0115", "IM-0115", "person1"]


def test_links_are_followed_once_and_loops_do_not_hang(put: Put, tmp_path: Path) -> None:
    folder = put("a/1.png", "b/1.png", "b/inner/2.png")
    outside = put("3.png", root="outside")
    try:
        (folder / "a" / "up").symlink_to(folder, target_is_directory=True)
        (folder / "b" / "inner" / "loop").symlink_to(folder / "b", target_is_directory=True)
        (folder / "b" / "shared").symlink_to(outside, target_is_directory=True)
        (folder / "b" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    except OSError:
        pytest.skip("links cannot be made here")
    collection = load(folder)
    assert [(s.label, s.name) for s in collection.samples] == [
        ("a", "1.png"),
        ("b", "1.png"),
        ("b", "2.png"),
        ("b", "3.png"),
    ]
    assert [(Path(s.path).name, s.reason) for s in collection.skipped] == [
        ("gone.png", "link to a file that is not there")
    ]


def test_marker_gives_name_and_synthetic(put: Put) -> None:
    folder = put("a/1.png", "b/1.png")
    (folder / "lince.json").write_text(json.dumps({"name": "made up", "synthetic": True}))
    assert (load(folder).name, load(folder).synthetic) == ("made up", True)
    for bad in ("{", "[]", '{"synthetic": "yes"}', '{"name": 3}'):
        (folder / "lince.json").write_text(bad)
        with pytest.raises(SourceError, match=r"lince\.json"):
            load(folder)


@pytest.mark.parametrize(
    ("paths", "sentence"),
    [
        ([], "This folder is empty"),
        (["1.png", "2.png"], "holds 2 images but no class folders"),
        (["only/1.png"], "There is only one class, only"),
        (["train/only/1.png", "test/only/1.png"], "There is only one class, only"),
        (["wrapper/a/1.png", "wrapper/b/1.png"], "point at its folder wrapper if a, b are the classes"),
        (["train/1.png", "train/a/1.png", "train/b/1.png"], "1 image outside its class folders"),
    ],
)
def test_each_wrong_layout_has_its_sentence(put: Put, paths: list[str], sentence: str) -> None:
    with pytest.raises(SourceError) as caught:
        load(put(paths))
    assert sentence in str(caught.value)
    assert "one folder per class" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_and_imageless_folders(put: Put, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="There is no such folder"):
        load(tmp_path / "nowhere")
    file = put("a/1.png") / "a" / "1.png"
    with pytest.raises(SourceError, match="This is a file, not a collection"):
        load(file)
    folder = tmp_path / "texts"
    for label in ("a", "b"):
        (folder / label).mkdir(parents=True)
        (folder / label / "x.txt").write_text("x")
    with pytest.raises(SourceError, match=r"no image in these folders \(files found: \.txt\)"):
        load(folder)
    with pytest.raises(SourceError, match="cannot be looked at"):
        load("x" * 5000)


def test_an_empty_class_folder_is_told_and_left_out(put: Put) -> None:
    folder = put("a/1.png", "b/1.png")
    (folder / "c").mkdir()
    collection = load(folder)
    assert collection.labels.names == ("a", "b")
    assert "Folders without an image: c." in collection.notices


def test_class_names_that_differ_in_case_are_told(put: Put) -> None:
    collection = load(put("train/Normal/1.png", "train/ill/1.png", "test/normal/1.png"))
    assert any("differ only in case" in notice for notice in collection.notices)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_unreadable_folders(put: Put) -> None:
    folder = put("a/1.png", "b/1.png", "b/shut/2.png")
    (folder / "b" / "shut").chmod(0)
    try:
        assert [skip.reason for skip in load(folder).skipped] == ["folder cannot be read: Permission denied"]
    finally:
        (folder / "b" / "shut").chmod(0o755)


def test_natural_order_is_total_and_numeric() -> None:
    names = ["b10", "B2", "a", "b2", "b02", "10", "9", ""]
    assert sorted(names, key=natural) == ["", "9", "10", "a", "B2", "b02", "b2", "b10"]
    assert sorted(["x10y2", "x9y10", "x10y1"], key=natural) == ["x9y10", "x10y1", "x10y2"]


def test_many_files_are_listed_quickly(tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for number in range(2000):
            (tmp_path / label / f"{number}.png").touch()
    start = time.perf_counter()
    assert len(load(tmp_path)) == 4000
    assert time.perf_counter() - start < 5


@pytest.mark.real_data
def test_real_folders(real_data: Path) -> None:
    busi = load(real_data / "busi")
    assert busi.counts() == {"benign": 350, "malignant": 168, "normal": 106}
    assert busi.labels.positive == "malignant"
    assert not busi.has_groups
    chest = load(real_data / "chest_xray")
    assert chest.counts() == {"NORMAL": 1341, "PNEUMONIA": 3875}
    assert {sample.split for sample in chest.samples} == {"train"}
    assert all(sample.group for sample in chest.samples)
    breakhis = load(real_data / "breakhis" / "BreaKHis_v1" / "histology_slides" / "breast")
    assert breakhis.counts() == {"benign": 8, "malignant": 4}
    assert all(sample.group for sample in breakhis.samples)
