"""``describe``: facts and problems, from headers only."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pydicom.data
import pytest

from lince.core.types import LabelSpace, Sample, Skipped
from lince.data import Collection, describe, load, split_collection

Put = Callable[..., Path]


def test_facts_of_a_folder(put: Put) -> None:
    folder = put([f"a/patient{i}_x.png" for i in range(40)], [f"b/patient{i}_y.jpeg" for i in range(10)])
    put("a/patient0_x_mask.png")
    facts = describe(split_collection(load(folder)))
    assert json.loads(json.dumps(facts)) == facts
    assert facts["images"] == facts["looked_at"] == 50
    assert facts["classes"] == {"a": 40, "b": 10}
    assert facts["groups"] == {"count": 40, "largest": 2, "without": 0}
    assert sum(sum(counts.values()) for counts in facts["splits"].values()) == 50
    assert facts["formats"] == {"PNG": 40, "JPEG": 10}
    assert facts["sizes"]["smallest"] == "8x8"
    assert facts["sizes"]["largest"] == "10x8"
    assert facts["skipped"] == {"mask": 1}
    assert facts["problems"] == ["Classes with fewer than 30 images: b (10)."]


def test_problems_are_named(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put([f"a/{i}.png" for i in range(60)], "b/1.png")
    (folder / "b" / "1.png").write_text("not an image")
    monkeypatch.setenv("LINCE_MAX_PIXELS", "70")
    facts = describe(load(folder))
    told = " ".join(facts["problems"])
    assert "fewer than 30 images: b (1)" in told
    assert "more than ten times" in told
    assert "1 of 61 files looked at is unreadable" in told
    assert "40 of 61 files looked at have more pixels" in told
    assert "No patient is known" in told
    assert facts["groups"] is None
    assert facts["formats"]["unreadable"] == 1


def test_patients_on_two_sides_and_images_without_one(tmp_path: Path) -> None:
    rows = [("p1", "train"), ("p1", "test"), ("p2", "train"), ("p2", None), (None, "train"), (None, "test")] * 20
    samples = tuple(
        Sample(str(tmp_path / f"{n}.png"), "ab"[n % 2], group, split) for n, (group, split) in enumerate(rows)
    )
    told = describe(Collection("set", samples, LabelSpace(("a", "b")), str(tmp_path)))["problems"]
    assert "1 patient or group stands on two sides of the given split, so its figures may flatter the model." in told
    assert "40 of 120 images have no patient or group: what belongs together among them may be parted." in told
    whole = tuple(sample for sample in samples if sample.group == "p2")
    told = describe(Collection("set", whole, LabelSpace(("a", "b")), str(tmp_path)))["problems"]
    assert not [problem for problem in told if "patient" in problem]


def test_a_class_with_a_comma_in_its_name_is_one_class() -> None:
    samples = (Sample("1.png", "Nerve, central"), Sample("2.png", "Eye"))
    facts = describe(Collection("set", samples, LabelSpace(("Eye", "Nerve, central")), "set"))
    assert facts["problems"][0] == 'Classes with fewer than 30 images: Eye (1), "Nerve, central" (1).'


def test_reasons_are_counted_by_kind() -> None:
    reasons = [
        "mask of 1 of 2, not an image to classify",
        "mask of 3, not an image to classify",
        "labels of t.csv contradict each other: a (line 2), b (line 3)",
        "labels of t.csv contradict each other: a (line 4), c (line 5)",
        "unknown tumour type X in the file name",
        "named more than once with different labels (x and y), line 3, line 6",
    ]
    skipped = tuple(Skipped("1.png", reason) for reason in reasons)
    assert describe(Collection("set", (), LabelSpace(("a", "b")), "set", skipped=skipped))["skipped"] == {
        "mask": 2,
        "labels of t.csv contradict each other": 2,
        "unknown tumour type X in the file name": 1,
        "named more than once with different labels (x and y)": 1,
    }


def test_a_huge_header_is_looked_at_without_decoding(put: Put) -> None:
    folder = put("a/1.png", "b/1.png")
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    (folder / "b" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    told = " ".join(describe(load(folder))["problems"])
    assert "of 2 files looked at" in told


def test_arrays_dicom_and_missing_files(put: Put, make_npz: Callable[..., Path]) -> None:
    facts = describe(load(make_npz()))
    assert facts["formats"] == {"ARRAY": 22}
    assert facts["sizes"]["most_common"] == {"28x28": 22}
    assert set(facts["splits"]) == {"train", "val", "test"}
    folder = put("a/1.png", "b/1.png")
    dicom = Path(str(pydicom.data.get_testdata_file("CT_small.dcm"))).read_bytes()
    (folder / "a" / "2.dcm").write_bytes(dicom)
    (folder / "a" / "3.dcm").write_bytes(dicom[:200])
    collection = load(folder)
    (folder / "b" / "1.png").unlink()
    facts = describe(collection)
    assert facts["formats"] == {"DICOM": 2, "PNG": 1, "missing": 1}
    assert facts["sizes"]["largest"] == "128x128"
    assert "1 of 4 files looked at is missing." in facts["problems"]


def test_only_so_many_headers_are_read(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lince.data.summary._LOOKED_AT", 5)
    facts = describe(load(put([f"a/{i}.png" for i in range(12)], [f"b/{i}.png" for i in range(12)])))
    assert facts["looked_at"] == 5
    assert facts["images"] == 24
