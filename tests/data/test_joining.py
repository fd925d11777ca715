"""Labels from a table: which column names the files, which holds the labels, and what does not fit."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from lince.core.errors import ConfigError, SourceError
from lince.data.joining import Joined, Keys, join_labels

# Two patients with two studies of one series each; file names return in every series, as archives write them.
FILES = [
    Keys(
        f"P{patient}/S{study}/IM{image}.dcm",
        instance=f"1.2.{patient}.{study}.{image}.9",
        series=f"1.2.{patient}.{study}.7",
        study=f"1.2.{patient}.{study}",
        patient=f"P{patient}",
    )
    for patient in (1, 2)
    for study in (1, 2)
    for image in (1, 2)
]

Join = Callable[..., Joined]


@pytest.fixture
def join(tmp_path: Path) -> Join:
    def joined(text: str, files: list[Keys] = FILES, target: str | None = None) -> Joined:
        (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
        return join_labels(tmp_path / "labels.csv", files, target=target)

    return joined


@pytest.mark.parametrize(
    ("table", "labels"),
    [
        ("SOPInstanceUID,label\n1.2.1.1.1.9,a\n1.2.2.2.2.9,b\n", "a......b"),
        ("series_uid;label\n1.2.1.1.7;a\n1.2.2.2.7;b\n", "aa....bb"),
        ("Study Instance UID\tlabel\n1.2.1.1\ta\n1.2.2.1\tb\n", "aa..bb.."),
        ("patient id,label\nP1,a\nP2,b\n", "aaaabbbb"),
        ("Paciente,Diagnóstico\nP1,a\nP2,b\n", "aaaabbbb"),
        ("filename,label\nP1/S1/IM1.dcm,a\nP2/S1/IM2.dcm,b\n", "a....b.."),
        ("filename,label\nP1\\S1\\IM1,a\n./P2/S1/IM2,b\n", "a....b.."),
        ("filename,label\n/mnt/old/P1/S1/IM1.dcm,a\nexport/P2/S1/IM2.dcm,b\n", "a....b.."),
        # The name of the column lies or says nothing; its content tells.
        ("key,label\n1.2.1.1.1.9,a\n", "a......."),
        ("id,label\nP1,a\nP2,b\n", "aaaabbbb"),
        ("series,label\n1.2.1.1.1.9,a\n", "a......."),
        # The finer of two levels speaks.
        ("PatientID,SOPInstanceUID,label\nP1,1.2.1.1.1.9,a\nP1,1.2.1.1.2.9,b\n", "ab......"),
    ],
)
def test_tables_are_joined_on_whatever_they_name(join: Join, table: str, labels: str) -> None:
    joined = join(table)
    assert "".join(label or "." for label in joined.labels) == labels
    assert not joined.refused


def test_what_was_joined_on_what_is_said(join: Join) -> None:
    joined = join("study_uid,who,finding\n1.2.1.1,x,a\n1.2.9.9,y,b\n1.2.8.8,z,a\n")
    assert joined.notices == [
        "Labels are the column finding of labels.csv, joined on StudyInstanceUID by its column study_uid: "
        "2 of 8 files have one.",
        "2 of 3 rows of labels.csv name no file here.",
    ]


def test_a_name_that_several_files_have_names_none(join: Join) -> None:
    files = [Keys("a/IM1.dcm"), Keys("b/IM1.dcm"), Keys("b/IM2.dcm")]
    assert join("file,label\nIM1.dcm,x\nIM2.dcm,y\n", files).labels == [None, None, "y"]


def test_a_longer_name_is_not_cut_to_fit_another_folder(join: Join) -> None:
    files = [Keys("a/IM1.dcm"), Keys("a/IM2.dcm")]
    assert join("file,label\nb/IM1.dcm,x\na/IM2.dcm,y\n", files).labels == [None, "y"]


def test_a_uid_as_file_name_keeps_its_end(join: Join) -> None:
    files = [Keys("x/1.2.3.4"), Keys("x/1.2.3.5")]
    assert join("image,label\n1.2.3.4,a\n1.2.3.5,b\n", files).labels == ["a", "b"]
    assert join("image,label\n1.2.3.5.dcm,a\n", files).labels == [None, "a"]


def test_leading_zeros_count(join: Join) -> None:
    files = [Keys(str(n), patient=patient) for n, patient in enumerate(("007", "7"))]
    assert join("patient,label\n007,a\n7,b\n", files).labels == ["a", "b"]


def test_contradicting_rows_are_refused_for_their_files_alone(join: Join) -> None:
    joined = join("patient,label\nP1,a\nP2,b\nP1,c\nP2,b\n")
    assert joined.labels == [None] * 4 + ["b"] * 4
    assert set(joined.refused) == {0, 1, 2, 3}
    assert joined.refused[0] == "labels of labels.csv contradict each other: a (line 2), c (line 4)"
    assert joined.notices[1:] == [
        "4 files were left out, since rows of labels.csv contradict each other: a (line 2), c (line 4)."
    ]


def test_a_column_of_labels_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    text = [None, pa.py_buffer(struct.pack("<3i", 0, 1, 2)), pa.py_buffer(b"\xffa")]
    odd = pa.Array.from_buffers(pa.string(), 2, text)
    place = tmp_path / "labels.parquet"
    files = [Keys("a", patient="P1"), Keys("b", patient="P2")]
    parquet.write_table(pa.table({"patient": ["P1", "P2"], "label": ["x", "y"], "note": odd}), place)
    joined = join_labels(place, files)
    assert joined.labels == ["x", "y"]
    assert "The column note of labels.parquet was left alone: its text is not UTF-8." in joined.notices
    with pytest.raises(SourceError, match=r"The column note of labels.parquet cannot be read: its text is not UTF-8"):
        join_labels(place, files, target="note")


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"is a folder, not a file.*give a CSV, TSV or Parquet file"):
        join_labels(tmp_path, [Keys("a")])


def test_rows_without_a_label_give_none(join: Join) -> None:
    joined = join("patient,label\nP1,\nP2,b\nP1, \n")
    assert joined.labels == [None] * 4 + ["b"] * 4
    assert not joined.refused
    assert "4 of 8 files have one" in joined.notices[0]


def test_the_only_column_that_could_be_labels_is_taken(join: Join) -> None:
    rows = "".join(f"1.2.{p}.{s}.{i}.9,{p}{s}{i},{'ab'[p - 1]}\n" for p in (1, 2) for s in (1, 2) for i in (1, 2))
    assert join("SOPInstanceUID,serial,birads\n" + rows).labels == ["a"] * 4 + ["b"] * 4


def test_of_two_candidates_none_is_guessed(join: Join) -> None:
    table = "patient,diagnosis,outcome\nP1,a,x\nP2,b,y\n"
    with pytest.raises(SourceError, match="--target COLUMN") as caught:
        join(table)
    assert "diagnosis, outcome" in str(caught.value)
    assert join(table, target="Outcome").labels == ["x"] * 4 + ["y"] * 4


def test_an_unknown_target_is_named_with_what_is_near(join: Join) -> None:
    with pytest.raises(ConfigError, match="did you mean diagnosis"):
        join("patient,diagnosis\nP1,a\n", target="diagnossis")


def test_a_number_is_not_taken_for_a_file_name_by_chance(join: Join) -> None:
    files = [Keys(f"{n}.dcm", patient=f"P{n}") for n in range(1, 9)]
    table = "code,age,label\n" + "".join(f"P{n},{n % 3 + 1},{'ab'[n % 2]}\n" for n in range(1, 9))
    joined = join(table, files)
    assert "joined on PatientID by its column code" in joined.notices[0]
    assert None not in joined.labels


def test_a_table_of_other_images(join: Join) -> None:
    with pytest.raises(SourceError, match=r"No column of labels\.csv names the images"):
        join("patient,label\nQ1,a\nQ2,b\n")


def test_parquet_with_numbers(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.table({"PatientID": ["P1", "P2"], "target": [0.0, 1.0]})
    parquet.write_table(table, tmp_path / "labels.parquet")
    assert join_labels(tmp_path / "labels.parquet", FILES).labels == ["0"] * 4 + ["1"] * 4
