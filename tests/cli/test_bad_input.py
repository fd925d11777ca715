"""Bad input: one line, exit code 2, nothing left behind."""

from __future__ import annotations

import io
import json
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest

from lince.cli import main

Capture = pytest.CaptureFixture[str]


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def without_pixels() -> bytes:
    """A well-formed DICOM file, a report, that has no picture."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import BasicTextSRStorage, ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, BasicTextSRStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = pydicom.Dataset()
    dataset.file_meta, dataset.Modality, dataset.PatientID = meta, "SR", "12"
    dataset.SOPClassUID, dataset.SOPInstanceUID = BasicTextSRStorage, meta.MediaStorageSOPInstanceUID
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


BAD_FILES = {
    "report.dcm": without_pixels(),
    "huge.png": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)),
    "claims.jpg": b"\xff\xd8\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01\x01\x11\x00" + bytes(3_000) + b"\xff\xd9",
    "text.png": b"this is a letter, not an image",
    "empty.png": b"",
    "nothing.dcm": bytes(128) + b"DICM" + bytes(8),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_no_image(name: str, tiny_bundle: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / name).write_bytes(BAD_FILES[name])
    assert main(["explain", str(tiny_bundle), str(tmp_path / name), "--out", str(tmp_path / "map.png")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == [name]


def one_class(folder: Path, images: Path) -> None:
    shutil.copytree(images / "benign", folder / "benign")


def one_each(folder: Path, images: Path) -> None:
    for label in ("benign", "malignant"):
        (folder / label).mkdir(parents=True)
        shutil.copy(next((images / label).glob("*.png")), folder / label)


def empty(folder: Path, _: Path) -> None:
    folder.mkdir()


@pytest.mark.parametrize("make", [None, empty, one_class, one_each])
def test_a_source_that_cannot_be_trained_on(
    make: Callable[[Path, Path], None] | None, tiny_images: Path, tmp_path: Path, capsys: Capture
) -> None:
    if make:
        make(tmp_path / "set", tiny_images)
    out = tmp_path / "out"
    assert main(["train", str(tmp_path / "set"), "--out", str(out), "--model", "small-cnn"]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("lince: ")]
    assert len(errors) == 1
    assert {path.name for path in tmp_path.iterdir()} <= {"set"}


@pytest.mark.parametrize(
    "flags", ["--model resnet", "--aim best", "--positive cyst", "--image-size 30", "--config none.yaml", "--resume"]
)
def test_a_wrong_option_of_training(flags: str, tiny_images: Path, tmp_path: Path, capsys: Capture) -> None:
    assert main(["train", str(tiny_images), "--out", str(tmp_path / "out"), *flags.split()]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_out_that_cannot_be_written(tiny_images: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert main(["train", str(tiny_images), "--out", str(tmp_path / "file" / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_damaged_bundles(tiny_bundle: Path, tiny_images: Path, tmp_path: Path, capsys: Capture) -> None:
    image = str(next(tiny_images.glob("benign/*.png")))
    wrong = shutil.copytree(tiny_bundle, tmp_path / "wrong")
    with (wrong / "model.safetensors").open("ab") as stream:
        stream.write(b"x")
    newer = shutil.copytree(tiny_bundle, tmp_path / "newer")
    noted = json.loads((newer / "bundle.json").read_text(encoding="utf-8"))
    (newer / "bundle.json").write_text(json.dumps({**noted, "format": 99}), encoding="utf-8")
    for place, sentence in ((wrong, "hash differs"), (newer, "format 99"), (tmp_path, "not a bundle")):
        for verb in ("predict", "explain", "evaluate"):
            assert main([verb, str(place), str(tiny_images) if verb == "evaluate" else image]) == 2
            said = capsys.readouterr().err
            assert sentence in said
            assert said.count("\n") == 1
