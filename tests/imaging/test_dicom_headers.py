"""What headers say, and that damaged ones harm nobody."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, Sequence, uid
from pydicom.data import get_testdata_file

from dicom_makers import clip, compressed, dataset, dicom, written
from lince.core.events import EventBus, WorkAdvanced, WorkFinished, WorkStarted
from lince.imaging import dicom as room
from lince.imaging.dicom_header import read_header
from lince.imaging.dicom_scan import scan_headers

GREY = np.zeros((4, 6), np.uint8)


@pytest.fixture(scope="module", autouse=True)
def _workers_end_with_the_tests():
    yield
    room.close_workers()


@pytest.fixture
def header(tmp_path):
    """The header of a file with these elements."""

    def read(pixels=GREY, **fields):
        path = tmp_path / "file"
        path.write_bytes(written(clip(pixels, **fields) if pixels.ndim == 3 else dataset(pixels, **fields)))
        return read_header(str(path))

    return read


def test_the_facts_of_a_picture(header):
    found = header(
        PatientSex="F", PatientAge="045Y", ViewPosition="CC", ImageLaterality="L", ManufacturerModelName="Lynx 3",
        BurnedInAnnotation="NO", StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4", SOPInstanceUID="1.2.3.4.5",
    )  # fmt: skip
    assert found == {
        "kind": "image",
        "patient": "MRN-778899",
        "frames": 1,
        "attributes": {
            "sex": "F", "age": 45, "modality": "CR", "manufacturer": "Lynx Imaging", "model": "Lynx 3", "view": "CC",
            "laterality": "L", "body_part": "CHEST", "site": "Hospital Secreto", "burned_in": "NO",
            "photometric": "MONOCHROME2", "study_uid": "1.2.3", "series_uid": "1.2.3.4", "instance_uid": "1.2.3.4.5",
            "rows": 4, "columns": 6,
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "age"),
    [
        ({"PatientAge": "045Y"}, 45),
        ({"PatientAge": "006M"}, 0.5),
        ({"PatientAge": "026W"}, 0.5),
        ({"PatientAge": "000D"}, 0),
        ({"PatientAge": "45"}, 45),
        ({"PatientAge": "999Y"}, None),
        ({"PatientAge": "old", "PatientBirthDate": None}, None),
        ({"PatientBirthDate": "19800615", "StudyDate": "20200614"}, 39),
        ({"PatientBirthDate": "19800615", "StudyDate": "20200615"}, 40),
        ({"PatientBirthDate": "1980.06.15", "StudyDate": "20200615"}, 40),
        ({"PatientBirthDate": "20210101", "StudyDate": "20200615"}, None),
        ({"PatientBirthDate": "19801399", "StudyDate": "20200615"}, None),
        ({"PatientBirthDate": "19800615"}, None),
    ],
)
def test_age_in_years(header, fields, age):
    assert header(**fields)["attributes"].get("age") == age


def test_empty_values_are_no_attributes(header):
    found = header(PatientID="", PatientSex="", ViewPosition="", Manufacturer=None, PatientAge="")
    assert found["patient"] is None
    assert not found["attributes"].keys() & {"sex", "age", "view", "manufacturer", "laterality"}


def test_the_other_places_of_view_and_side(header):
    code = Dataset()
    code.CodeMeaning = "medio-lateral oblique"
    found = header(Laterality="R", ViewCodeSequence=Sequence([code]))
    assert (found["attributes"]["laterality"], found["attributes"]["view"]) == ("R", "medio-lateral oblique")


def test_accents_follow_the_character_set(header):
    assert header(SpecificCharacterSet="ISO_IR 100", InstitutionName="São João")["attributes"]["site"] == "São João"


def test_frames(header):
    assert header(np.zeros((7, 4, 6), np.uint8))["frames"] == 7


@pytest.mark.parametrize(
    "make", [dicom, partial(compressed, stream=b"\xff\xd8", syntax=uid.JPEGBaseline8Bit)], ids=["native", "compressed"]
)
def test_more_frames_than_the_file_can_hold_are_not_believed(tmp_path, make):
    (tmp_path / "file").write_bytes(make(GREY, NumberOfFrames=2_000_000_000))
    found = read_header(str(tmp_path / "file"))
    assert found["kind"] == "unreadable"
    assert "claims 2000000000 frames" in found["reason"]


@pytest.mark.parametrize(
    "fields",
    [
        {"Modality": "SEG"},
        {"Modality": "SR", "Rows": None, "Columns": None, "SOPClassUID": uid.ComprehensiveSRStorage},
        {"Modality": "PR", "Rows": None, "SOPClassUID": uid.GrayscaleSoftcopyPresentationStateStorage},
    ],
)
def test_objects_without_a_picture(header, fields):
    assert header(**fields) == {"kind": "object", "modality": fields["Modality"]}


def test_what_is_not_dicom(tmp_path):
    for name, content in (("a", b""), ("b.csv", b"patient,label\n" * 50), ("c", b"\x89PNG\r\n\x1a\n" + bytes(600))):
        (tmp_path / name).write_bytes(content)
        assert read_header(str(tmp_path / name)) == {"kind": "other"}


def test_an_image_that_ends_in_its_header_is_unreadable(tmp_path):
    data = written(dataset(GREY))
    for end in (140, 250, 420):
        (tmp_path / "cut").write_bytes(data[:end])
        assert read_header(str(tmp_path / "cut"))["kind"] == "unreadable", end


def test_a_file_that_may_not_be_read(tmp_path):
    assert "cannot be read" in read_header(str(tmp_path / "gone"))["reason"]
    assert "cannot be read" in read_header(str(tmp_path))["reason"]


@pytest.mark.parametrize(
    "name", ["ExplVR_BigEnd.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm"]
)
def test_every_encoding_without_and_with_preamble(name):
    assert read_header(get_testdata_file(name, download=False))["kind"] == "image"


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(132, 700), st.integers(0, 255)), max_size=12), st.integers(132, 900))
def test_a_damaged_header_is_an_answer(tmp_path_factory, changes, end):
    data = bytearray(written(dataset(GREY, PatientAge="045Y", PatientSex="F")))
    for position, value in changes:
        if position < len(data):
            data[position] = value
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    path.write_bytes(data[:end])
    found = read_header(str(path))
    assert found["kind"] in ("image", "object", "other", "unreadable")
    assert found.get("frames", 1) <= 900


def test_headers_come_in_order_and_progress_is_told(tmp_path):
    paths = []
    for number in range(150):
        path = tmp_path / str(number)
        path.write_bytes(written(dataset(GREY, PatientID=f"P{number}")) if number % 3 else b"nothing")
        paths.append(str(path))
    bus, heard = EventBus(), []
    bus.subscribe(heard.append)
    found = list(scan_headers(paths, bus=bus))
    assert [header.path for header in found] == paths
    assert [h.patient for h in found] == [f"P{n}" if n % 3 else None for n in range(150)]
    assert heard[0] == WorkStarted("Reading headers", 150)
    assert [event.done for event in heard if isinstance(event, WorkAdvanced)] == [64, 128, 150]
    assert heard[-1] == WorkFinished("Reading headers")


# A worker that ends whenever it is asked about a file called killer, and says "other" of every other file.
MORTAL = """
import json, os, sys
from lince.imaging.framing import receive, send
send(sys.stdout.buffer, {"ready": True})
while True:
    head, _ = receive(sys.stdin.buffer, 1 << 20)
    if any("killer" in path for path in head["headers"]):
        os._exit(1)
    send(sys.stdout.buffer, {}, json.dumps([{"kind": "other"} for _ in head["headers"]]).encode())
"""


def test_a_file_that_ends_the_worker_is_lost_alone(monkeypatch):
    monkeypatch.setattr(room, "_COMMAND", (sys.executable, "-c", MORTAL))
    room.close_workers()
    found = list(scan_headers(["a", "killer", "b"]))
    assert [header.kind for header in found] == ["other", "unreadable", "other"]
    assert "stopped on this file" in found[1].reason
    room.close_workers()


@pytest.mark.real_data
def test_real_headers(real_data):
    paths = sorted(str(path) for path in Path(real_data, "dicom").glob("*.dcm"))
    found = list(scan_headers(paths))
    assert [header.kind for header in found] == ["image"] * len(paths)
    assert all(header.patient and header.attributes["study_uid"] for header in found)
