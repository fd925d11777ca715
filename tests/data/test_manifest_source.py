"""Manifests as people write them: encodings, separators, twins, missing files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lince.core.errors import ConfigError, LinceError, SourceError
from lince.data import Collection, load

Put = Callable[..., Path]
IMAGES = ("a/1.png", "a/2.png", "b/1.png", "b/2.png")


@pytest.fixture
def table(put: Put) -> Callable[..., Path]:
    """Write lines (or bytes) as a manifest beside four images."""

    def write(*lines: str, name: str = "m.csv", encoding: str = "utf-8", data: bytes | None = None) -> Path:
        place = put(*IMAGES) / name
        place.write_bytes("\n".join([*lines, ""]).encode(encoding) if data is None else data)
        return place

    return write


def rows(collection: Collection, place: Path) -> list[tuple[str, str]]:
    return [(Path(s.path).relative_to(place.parent).as_posix(), s.label) for s in collection.samples]


def reasons(collection: Collection) -> list[str]:
    return [skip.reason for skip in collection.skipped]


PLAIN = ["path,label", "a/1.png,x", "a/2.png,x", "b/1.png,y", "b/2.png,y"]
EXPECTED = [("a/1.png", "x"), ("a/2.png", "x"), ("b/1.png", "y"), ("b/2.png", "y")]


def test_every_column_finds_its_place(table: Callable[..., Path]) -> None:
    place = table(
        "Path,LABEL,group,split,age,sex",
        "a/1.png,x,p1,train,54,F",
        "a/2.png, x ,p1,Training,,M",
        "b/1.png,y,,dev,61,",
        "b/2.png,y,p3,teste,7,F",
    )
    found = load(place, positive="y")
    assert rows(found, place) == EXPECTED
    assert [s.group for s in found.samples] == ["p1", "p1", None, "p3"]
    assert [s.split for s in found.samples] == ["train", "train", "val", "test"]
    assert [dict(s.attributes) for s in found.samples] == [
        {"age": 54, "sex": "F"},
        {"sex": "M"},
        {"age": 61},
        {"age": 7, "sex": "F"},
    ]
    assert (found.labels.names, found.labels.positive, found.name) == (("x", "y"), "y", "m")
    assert not found.skipped
    assert not found.notices


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_encodings_and_separators(table: Callable[..., Path], separator: str, encoding: str) -> None:
    lines = [
        line.replace(",", separator).replace("x", "lesão").replace("y", "normal, são" if separator != "," else "são")
        for line in PLAIN
    ]
    place = table(*lines, encoding=encoding)
    found = load(place)
    assert [path for path, _ in rows(found, place)] == [path for path, _ in EXPECTED]
    assert set(found.labels.names) == {"lesão", "são" if separator == "," else "normal, são"}
    told = " ".join(found.notices)
    assert ("Windows-1252" in told) == (encoding == "cp1252")
    assert ("UTF-16" in told) == encoding.startswith("utf-16")


def test_mixed_encodings_are_told_with_their_first_line(table: Callable[..., Path]) -> None:
    lines = ["path,label", "a/1.png,lesão", "a/2.png,lesão", "b/1.png,são", "b/2.png,são"]
    parts = [line.encode("cp1252" if number in (2, 4) else "utf-8") for number, line in enumerate(lines)]
    found = load(table(data=b"\r\n".join(parts)))
    assert found.labels.names == ("lesão", "são")
    assert "2 lines of m.csv (the first: 3) are not UTF-8" in found.notices[0]


def test_portuguese_excel(table: Callable[..., Path]) -> None:
    place = table(
        "sep=;", "path;label;idade;peso", "a/1.png;x;54;61,5", "a/2.png;x;61;1,234", "b/1.png;y;7;3", "b/2.png;y;8;4"
    )
    found = load(place)
    assert [s.attributes["peso"] for s in found.samples] == [61.5, 1.234, 3, 4]
    assert found.notices == ("Numbers with a decimal comma were read in: peso.",)


def test_quoted_line_breaks_and_the_lines_after_them(table: Callable[..., Path]) -> None:
    place = table(
        "path,label,caption",
        'a/1.png,x,"first\nsecond, ""quoted"""',
        "",
        "gone.png,x,",
        "b/1.png,y,plain",
        "b/2.png,y,",
    )
    found = load(place)
    assert found.samples[0].attributes["caption"] == 'first\nsecond, "quoted"'
    assert reasons(found) == ["file missing, line 5"]


def test_rows_that_cannot_be_used_are_left_out_and_told(table: Callable[..., Path]) -> None:
    place = table(
        "path,label,row",
        "a/1.png,x,",
        ",x,",
        "a/2.png,,",
        "b/1.png,y,",
        "b/2.png,y,1.5",
        "b/2.png,y,,,surplus",
        "a/2.png,x,,,",
        "gone.png,y,",
    )
    found = load(place)
    assert rows(found, place) == [("a/1.png", "x"), ("b/1.png", "y"), ("a/2.png", "x")]
    assert sorted(reasons(found)) == [
        "file missing, line 9",
        "no label, line 4",
        "no path, line 3",
        "row has more cells (5) than the header (3), line 7",
        "row is not a whole number from 0, line 6",
    ]
    assert "1 of the 4 images named in m.csv is not there and left out: gone.png." in found.notices


def test_twins_are_kept_once_and_contradictions_not_at_all(table: Callable[..., Path]) -> None:
    place = table(
        "path,label,group,split",
        "a/1.png,x,,train",
        "./a/1.png,x,p1,",
        "a/2.png,x,p2,train",
        "a//2.png,y,p2,train",
        "b/1.png,y,p3,train",
        "b/1.png,y,p3,test",
        "b/2.png,y,,",
    )
    found = load(place)
    assert rows(found, place) == [("a/1.png", "x"), ("b/2.png", "y")]
    assert (found.samples[0].group, found.samples[0].split) == ("p1", "train")  # what either row knew
    assert (
        reasons(found)
        == ["named more than once with different labels (x and y), line 4, line 5"] * 2
        + ["named more than once with different parts (train and test), line 6, line 7"] * 2
    )
    assert "1 row repeats another; each image is kept once." in found.notices
    assert any("2 images are named more than once" in notice and "2.png, 1.png" in notice for notice in found.notices)


@pytest.mark.parametrize("other", ["{whole}/a/2.png", "b/../a/2.png", "{whole}/b/../a/2.png", "link/2.png"])
def test_a_file_in_two_spellings_is_one_file(
    table: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    place = table("path,label", "a/1.png,x", "a/2.png,x", "b/1.png,y", "b/2.png,y")
    (place.parent / "link").symlink_to("a")
    spelling = other.format(whole=place.parent)
    for given in (place, Path("m.csv")):
        monkeypatch.chdir(place.parent)
        place.write_text("\n".join([*PLAIN, f"{spelling},y"]))
        found = load(given)
        assert [Path(s.path).name for s in found.samples] == ["1.png", "1.png", "2.png"]
        assert reasons(found) == ["named more than once with different labels (x and y), line 3, line 6"] * 2
        place.write_text("\n".join([*PLAIN, f"{spelling},x"]))
        assert "1 row repeats another; each image is kept once." in load(given).notices


def test_names_of_columns_that_differ_in_case_alone(table: Callable[..., Path]) -> None:
    place = table("path,Label,label", "a/1.png,p,x", "a/2.png,q,x", "b/1.png,p,y", "b/2.png,q,y")
    found = load(place)
    assert rows(found, place) == EXPECTED
    assert found.samples[0].attributes == {"Label": "p"}
    assert load(place, target="Label").labels.names == ("p", "q")
    with pytest.raises(SourceError, match=r"Two columns may be meant by label \(received: LABEL, Label\)"):
        load(table("path,LABEL,Label", "a/1.png,x,p", "b/1.png,y,q"))
    with pytest.raises(SourceError, match="Two columns may be meant by diagnosis"):
        load(table("path,Diagnosis,DIAGNOSIS", "a/1.png,x,p", "b/1.png,y,q"), target="diagnosis")


def test_other_spellings_of_a_path_are_found(put: Put) -> None:
    folder = put("a/1.png", "a/lesão.png", "b/1.png", "b/2.png")
    (folder / "m.csv").write_bytes(
        b"path,label\na\\1.png,x\n" + "a/lesão.png ,x\n".encode("cp1252") + b"b/1.png,y\nb/2.png,y\n"
    )
    found = load(folder / "m.csv")
    assert len(found) == 4
    assert Path(found.samples[1].path).is_file()
    assert any("2 files were found under another spelling" in notice for notice in found.notices)


def test_a_name_that_is_no_text_is_found_as_it_is(put: Put) -> None:
    folder = put(*IMAGES)
    stray = b"les\xe3o.png".decode("utf-8", "surrogateescape")
    try:
        (folder / "a/1.png").rename(folder / stray)
    except OSError:
        pytest.skip("this file system takes only names that are text")
    (folder / "m.csv").write_bytes(b"path,label\nles\xe3o.png,x\na/2.png,x\nb/1.png,y\n")
    assert load(folder / "m.csv").samples[0].path == str(folder / stray)


def test_patients_from_a_column_that_says_so_else_from_names(put: Put) -> None:
    folder = put(*(f"patient{n}_a.png" for n in range(4)))
    lines = [f"patient{n}_a.png,{'xy'[n % 2]},{n // 2}" for n in range(4)]
    (folder / "m.csv").write_text("\n".join(["path,label,patient_id", *lines]))
    found = load(folder / "m.csv")
    assert [s.group for s in found.samples] == ["0", "0", "1", "1"]
    assert any("patient_id is taken as the patient" in notice for notice in found.notices)
    (folder / "m.csv").write_text("\n".join(["path,label,other", *lines]))
    assert [s.group for s in load(folder / "m.csv").samples] == [f"patient{n}" for n in range(4)]
    (folder / "m.csv").write_text("\n".join(["path,label,group", *(line[:-1] for line in lines)]))
    assert not load(folder / "m.csv").has_groups  # the column is there and says nothing


def test_identities_do_not_depend_on_where_the_manifest_lies(put: Put, tmp_path: Path) -> None:
    folder = put(*IMAGES)
    outside = tmp_path / "elsewhere" / "m.csv"
    outside.parent.mkdir()
    outside.write_text("\n".join(["path,label", *(f"{folder / path},{label}" for path, label in EXPECTED)]))
    (folder / "m.csv").write_text("\n".join(PLAIN))
    inside, elsewhere, plain = load(folder / "m.csv"), load(outside), load(folder)
    for found in (inside, elsewhere, plain):
        assert [found.identity(sample) for sample in found.samples] == [path for path, _ in EXPECTED]


def test_labels_that_look_wrong_are_told(table: Callable[..., Path]) -> None:
    found = load(table("path,label", "a/1.png,Benign", "a/2.png,benign", "b/1.png,NaN", "b/2.png,y"))
    assert any("differ only in case" in n for n in found.notices)
    assert any("missing value: NaN (1)" in n for n in found.notices)
    numbers = load(table("path,label", "a/1.png,0", "a/2.png,0", "b/1.png,1", "b/2.png,1"))
    assert numbers.labels.names == ("0", "1")
    assert any("no names, only numbers: 0, 1" in n for n in numbers.notices)


def test_synthetic_images_stay_synthetic(table: Callable[..., Path]) -> None:
    assert not load(table(*PLAIN)).synthetic
    assert load(table("path,label,synthetic", "a/1.png,x,TRUE", "b/1.png,y,")).synthetic


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["path,label"], "names no image"),
        (["filename,label", "a/1.png,x"], "has no column path.*rename the column filename to path"),
        (["path,diagnosis", "a/1.png,x"], "no column label.*say --target diagnosis"),
        (["path,labels", "a/1.png,x"], "say --target labels"),
        (["a/1.png,x", "b/1.png,y"], "first line must name the columns"),
        (["path,label,label", "a/1.png,x,x"], "same name"),
        (["path,label", "a/1.png,x", "a/2.png,x"], "only one class, x"),
        (["path,label", ",x", ",y"], "No row can be used .the first: no path, line 2"),
        (["path,label,split", "a/1.png,x,trian", "b/1.png,y,fold3"], "trian .1., fold3.*trian may mean train"),
        (["path,label", "z/1.png,x", "z/2.png,y"], "None of the 2 images.*file missing.*relative to the manifest"),
        (['path,label,c', 'a/1.png,x,"never closed', "b/1.png,y,"], "not well-formed CSV"),
        (["path,label", 'a/1.png,x"y"', '"b"c,y'], "Line 3 is not well-formed CSV"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_collection(table: Callable[..., Path], lines: Sequence[str], told: str) -> None:
    with pytest.raises(SourceError, match=told):
        load(table(*lines))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"PK\x03\x04rest", "an Excel workbook"),
        (b"\xd0\xcf\x11\xe0rest", "an old Excel workbook"),
        (b"\x1f\x8brest", "compressed with gzip"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is not text"),
        ("path,label\na/1.png,x\n".encode("utf-16")[:-1], "not whole UTF-16 text"),
        (b"PAR1 and no more", "cut off or damaged"),
    ],
)
def test_what_is_no_table(table: Callable[..., Path], data: bytes, told: str) -> None:
    with pytest.raises(SourceError, match=told):
        load(table(data=data))


def test_no_file_a_folder_and_a_text_called_parquet(table: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="There is no such file"):
        load(tmp_path / "none.csv")
    with pytest.raises(SourceError, match=r"is a folder, not a file.*write folder:"):
        load(f"manifest:{tmp_path}")
    with pytest.raises(SourceError, match="not a Parquet file"):
        load(table(*PLAIN, name="m.parquet"))


def test_paths_relative_to_the_wrong_folder(put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put(*IMAGES)
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/m.csv").write_text("\n".join(PLAIN))
    monkeypatch.chdir(folder)
    with pytest.raises(SourceError, match="not to the current one: move the manifest to"):
        load(tmp_path / "tables/m.csv")


def test_target_takes_another_column(table: Callable[..., Path]) -> None:
    place = table("path,label,Kind", "a/1.png,x,1", "a/2.png,x,2", "b/1.png,y,2")
    found = load(place, target="kind")
    assert [s.label for s in found.samples] == ["1", "2", "2"]
    assert all(not s.attributes for s in found.samples)
    with pytest.raises(ConfigError, match="did you mean Kind"):
        load(place, target="Kinds")
    with pytest.raises(LinceError, match="choose one of: label, Kind"):
        load(place, target="path")
