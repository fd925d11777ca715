"""What is written comes back."""

from __future__ import annotations

import os
import string
import struct
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lince.core.errors import ConfigError, MissingExtraError, OutputError, SourceError
from lince.core.types import LabelSpace, Sample
from lince.data import Collection, load, write_manifest

Put = Callable[..., Path]
SUFFIXES = (".csv", ".tsv", ".parquet")
# Text that a person may write, with what has a meaning in CSV.
words = st.text(st.sampled_from(string.ascii_letters + ' ,;"\t\n\r|çã日'), min_size=1, max_size=8).filter(
    lambda word: word == word.strip() and word.lower() not in ("true", "false")
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), suffix=st.sampled_from(SUFFIXES))
def test_any_collection_comes_back(put: Put, data: st.DataObject, suffix: str) -> None:
    folder = put(*(f"{number}.png" for number in range(6)))
    attributes = st.fixed_dictionaries(
        {}, optional={"age": st.integers(0, 99), "dose, mg": st.floats(0, 9), "ill": st.booleans(), "note": words}
    )
    labels = data.draw(st.lists(words, min_size=2, max_size=4, unique=True))
    samples = tuple(
        Sample(
            str(folder / f"{number}.png"),
            labels[number % len(labels)],
            data.draw(st.none() | words),
            data.draw(st.sampled_from([None, "train", "val", "test"])),
            attributes=data.draw(attributes),
        )
        for number in range(6)
    )
    made = Collection("m", samples, LabelSpace.with_default_positive(sorted(labels)), "made")
    found = load(write_manifest(made, folder / f"m{suffix}", force=True))
    assert found.samples == made.samples
    for before, after in zip(made.samples, found.samples, strict=True):
        assert {k: type(v) for k, v in before.attributes.items()} == {k: type(v) for k, v in after.attributes.items()}
    assert set(found.labels.names) == set(made.labels.names)
    assert not found.skipped


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rows_of_an_array_come_back(make_npz: Callable[..., Path], tmp_path: Path, suffix: str) -> None:
    source = load(make_npz())
    found = load(write_manifest(source, tmp_path / f"m{suffix}"))
    assert found.samples == source.samples
    assert found.labels == source.labels
    assert found.samples[1].row == 1


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_phantoms_stay_synthetic_and_move_with_their_folder(tiny_images: Path, tmp_path: Path, suffix: str) -> None:
    source = load(tiny_images)
    assert load(write_manifest(source, tmp_path / f"m{suffix}")).synthetic
    moved = tmp_path / "moved"
    moved.mkdir()
    for sample in source.samples[:20]:
        place = moved / Path(sample.path).parent.name / Path(sample.path).name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(Path(sample.path).read_bytes())
    inside = load(moved)
    write_manifest(inside, moved / f"m{suffix}")
    again = moved.rename(tmp_path / "again")
    assert load(again / f"m{suffix}").digest().isalnum()
    assert [Path(s.path).is_relative_to(again) for s in load(again / f"m{suffix}").samples] == [True] * 20


def test_relative_sources(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put("a/1.png", "b/1.png")
    monkeypatch.chdir(folder.parent)
    source = load(folder.name)
    assert load(write_manifest(source, "m.csv")).samples == source.samples
    assert Path("m.csv").read_text().splitlines()[1] == "set/a/1.png,a,,"


def values(**attributes: Any) -> Collection:
    samples = (Sample("/x/1.png", "a", attributes=attributes), Sample("/x/2.png", "b"))
    return Collection("made", samples, LabelSpace(("a", "b")), "made")


def test_values_that_are_not_plain(tmp_path: Path) -> None:
    made = values(n=np.int64(3), nan=float("nan"), views=["AP", "é"], day=date(2020, 1, 2), label="x", label_="y")
    place = write_manifest(made, tmp_path / "m.csv")
    assert place.read_text(encoding="utf-8").splitlines() == [
        "path,label,group,split,n,nan,views,day,label_,label__",
        '/x/1.png,a,,,3,,"[""AP"", ""é""]",2020-01-02,x,y',
        "/x/2.png,b,,,,,,,,",
    ]
    import pyarrow.parquet as parquet

    assert parquet.read_table(write_manifest(made, tmp_path / "m.parquet")).to_pylist()[0]["views"] == '["AP", "é"]'


def test_a_parquet_column_of_several_types_becomes_text(tmp_path: Path) -> None:
    import pyarrow.parquet as parquet

    made = values(age=30)
    mixed = replace(made, samples=(made.samples[0], replace(made.samples[1], attributes={"age": "unknown"})))
    assert parquet.read_table(write_manifest(mixed, tmp_path / "m.parquet")).column("age").to_pylist() == [
        "30",
        "unknown",
    ]


def test_parquet_as_pandas_writes_it(put: Put) -> None:
    import pandas as pd

    folder = put("1.png", "2.png", "3.png")
    frame = pd.DataFrame(
        {
            "path": ["1.png", "2.png", "3.png"],
            "label": pd.Categorical(["x", "y", None]),
            "group": [1.0, 2.0, None],
            "age": [50.0, None, 3.0],
            "day": pd.to_datetime(["2020-01-02"] * 3),
            "pixels": [b"1", b"2", b"3"],
        },
        index=[5, 6, 7],
    )
    frame.to_parquet(folder / "m.parquet")
    found = load(folder / "m.parquet")
    assert [(s.label, s.group, s.attributes.get("age")) for s in found.samples] == [("x", "1", 50.0), ("y", "2", None)]
    assert found.samples[0].attributes["day"].startswith("2020-01-02")
    assert [skip.reason for skip in found.skipped] == ["no label, row 3"]
    assert any("not plain values were left alone: pixels" in notice for notice in found.notices)


def test_a_cut_off_parquet_file(put: Put) -> None:
    place = write_manifest(load(put("a/1.png", "b/1.png")), put() / "m.parquet")
    place.write_bytes(place.read_bytes()[:-30])
    with pytest.raises(SourceError, match="cut off or damaged"):
        load(place)


def columns_that_mean_nothing_here() -> dict[str, object]:
    """Two rows each: beyond the calendar, not UTF-8, in a time zone that nobody knows."""
    import pyarrow as pa

    text = [None, pa.py_buffer(struct.pack("<3i", 0, 1, 2)), pa.py_buffer(b"\xffa")]
    return {
        "taken": pa.array([9 * 10**18, 0]).cast(pa.timestamp("us")),
        "born": pa.array([2**30, 0], pa.int32()).cast(pa.date32()),
        "note": pa.Array.from_buffers(pa.string(), 2, text),
        "read": pa.array([0, 1]).cast(pa.timestamp("us", tz="Mars/Base")),
    }


def test_parquet_columns_that_mean_nothing_here_are_left_alone(put: Put) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    place = put("a/1.png", "b/1.png") / "m.parquet"
    odd = columns_that_mean_nothing_here()
    plain = {"path": ["a/1.png", "b/1.png"], "label": ["x", "y"], "age": [1, 2]}
    parquet.write_table(pa.table(plain | odd), place)
    found = load(place)
    assert [sample.attributes for sample in found.samples] == [{"age": 1}, {"age": 2}]
    assert found.notices == (
        "The column taken of m.parquet was left alone: its timestamp[us] holds a value out of range.",
        "The column born of m.parquet was left alone: its date32[day] holds a value out of range.",
        "The column note of m.parquet was left alone: its text is not UTF-8.",
        "The column read of m.parquet was left alone: its time zone Mars/Base is not known.",
    )
    with pytest.raises(SourceError, match=r"The column note of m.parquet, its label, cannot be read: .* not UTF-8"):
        load(place, target="note")
    # To go on as though there were no such column would let patients and parts leak.
    for role in ("path", "label", "group", "split", "patient_id"):
        parquet.write_table(pa.table(plain | {role: odd["note"]}), place)
        with pytest.raises(SourceError, match=f"The column {role} of m.parquet.*cannot be read"):
            load(place)


def test_an_attribute_called_like_a_column_in_another_case_comes_back(tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "1.png")
    Image.new("L", (8, 8)).save(tmp_path / "2.png")
    samples = tuple(
        Sample(str(tmp_path / f"{n}.png"), label, attributes={"Row": 7}) for n, label in ((1, "x"), (2, "y"))
    )
    collection = Collection("set", samples, LabelSpace(("x", "y")), str(tmp_path))
    found = load(write_manifest(collection, tmp_path / "m.csv"))
    assert [(s.row, s.attributes) for s in found.samples] == [(None, {"Row_": 7})] * 2


def test_without_pyarrow(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put("a/1.png", "b/1.png")
    place = write_manifest(load(folder), folder / "m.parquet")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"lince-med\[parquet\]"):
        load(place)
    with pytest.raises(MissingExtraError):
        write_manifest(load(folder), folder / "other.parquet")


def test_what_is_there_is_kept_unless_forced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = write_manifest(values(), tmp_path / "m.csv")
    before = place.read_bytes()
    with pytest.raises(OutputError, match=r"exists already.*--force"):
        write_manifest(values(age=3), place)
    monkeypatch.setattr("lince.data.manifest.write._texts", lambda cells: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_manifest(values(age=3), place, force=True)
    assert place.read_bytes() == before
    assert list(tmp_path.iterdir()) == [place]
    monkeypatch.undo()
    assert b"age" in write_manifest(values(age=3), place, force=True).read_bytes()


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ends in \.csv"):
        write_manifest(values(), tmp_path / "m.xlsx")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        write_manifest(values(), tmp_path / "folder.csv", force=True)


def test_text_that_is_no_text(tmp_path: Path) -> None:
    stray = os.fsdecode(b"/x/les\xe3o.png")
    made = Collection("m", (Sample(stray, "a"), Sample("/x/2.png", "b")), LabelSpace(("a", "b")), "made")
    assert b"/x/les\xe3o.png" in write_manifest(made, tmp_path / "m.csv").read_bytes()
    with pytest.raises(OutputError, match="not text, which Parquet needs"):
        write_manifest(made, tmp_path / "m.parquet")
    with pytest.raises(OutputError, match="cannot be written as UTF-8"):
        write_manifest(values(caption="\ud800"), tmp_path / "n.csv")
    assert not (tmp_path / "n.csv").exists()


def test_lines_of_a_long_table_with_line_breaks(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lince.data.manifest.text._BLOCK", 3)
    folder = put("1.png", "2.png")
    notes = ["", "one\n", "one\ntwo\n"]
    rows = ["path,label,note", "1.png,x,", *(f'gone{n}.png,y,"{notes[n % 3]}"' for n in range(10)), "2.png,y,"]
    (folder / "m.csv").write_text("\n".join(rows))
    text = (folder / "m.csv").read_text()
    found = load(folder / "m.csv")
    for skip in found.skipped:
        start = text[: text.index(Path(skip.path).name)].count("\n") + 1
        breaks = int(Path(skip.path).stem[4:]) % 3
        assert skip.reason == f"file missing, line {start + breaks}"
    assert len(found.skipped) == 10
