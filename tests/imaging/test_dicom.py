"""DICOM through the worker processes: what decodes, what is refused, what happens when a worker dies."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from image_makers import random_pixels, saved, smooth_pixels
from PIL import Image
from pydicom import Sequence, dcmread, uid
from pydicom.data import get_testdata_file

from dicom_makers import SECRETS, compressed, dataset, dicom, written
from lince.core.errors import ImageError, LinceError
from lince.imaging import decode
from lince.imaging import dicom as room
from lince.imaging.dicom_read import ATTRIBUTES


@pytest.fixture(scope="module", autouse=True)
def _workers_end_with_the_tests():
    yield
    room.close_workers()


@pytest.mark.parametrize(
    "syntax", [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian, uid.RLELossless]
)
@pytest.mark.parametrize("shape", [(6, 10), (6, 10, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lossless_encodings_come_back_unchanged(syntax, shape, dtype):
    pixels = random_pixels(shape, dtype)
    ds = dataset(pixels, syntax=uid.ExplicitVRLittleEndian if syntax == uid.RLELossless else syntax)
    if syntax == uid.RLELossless:
        ds.compress(uid.RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    decoded = decode(written(ds))
    assert decoded.format == "DICOM"
    assert decoded.pixels.dtype == dtype
    np.testing.assert_array_equal(decoded.pixels, pixels)


@pytest.mark.parametrize("syntax", [uid.JPEG2000Lossless, uid.JPEGLSLossless])
def test_lossless_codecs_come_back_unchanged(syntax):
    pixels = random_pixels((64, 80), np.uint16)
    ds = dataset(pixels)
    ds.compress(syntax, generate_instance_uid=False)
    np.testing.assert_array_equal(decode(written(ds)).pixels, pixels)


def test_jpeg_baseline_is_close():
    pixels = smooth_pixels(32, 48)
    stream = saved(Image.fromarray(pixels), "JPEG", quality=95)
    data = compressed(pixels, stream, uid.JPEGBaseline8Bit, PhotometricInterpretation="YBR_FULL_422")
    assert np.abs(decode(data).pixels.astype(int) - pixels).max() < 12


def test_ybr_becomes_rgb():
    pixels = smooth_pixels(16, 16)
    ybr = np.asarray(Image.fromarray(pixels).convert("YCbCr"))
    assert (
        np.abs(decode(dicom(ybr, PhotometricInterpretation="YBR_FULL")).pixels.astype(int) - pixels).max() <= 3
    )  # two conversions round


def test_colour_of_few_bits_is_spread_over_the_sample_type():
    twelve = np.full((2, 2, 3), 4095, np.uint16)
    np.testing.assert_array_equal(decode(dicom(twelve, BitsStored=12)).pixels, 65535)


@pytest.mark.parametrize(("first", "second"), [("693_J2KR.dcm", "693_UNCR.dcm"), ("RG3_J2KR.dcm", "RG3_UNCR.dcm")])
def test_compressed_and_uncompressed_twins_agree(first, second):
    one, other = (decode(get_testdata_file(name, download=False)).pixels for name in (first, second))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["examples_palette.dcm", "OBXXXX1A_expb.dcm"])
def test_palette_colour(name):
    pixels = decode(get_testdata_file(name, download=False)).pixels
    assert pixels.ndim == 3
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 8


@pytest.mark.parametrize("name", ["ExplVR_BigEnd.dcm", "MR_small_implicit.dcm"])
def test_a_file_without_preamble_or_meta_is_read(name):
    data = Path(get_testdata_file(name, download=False)).read_bytes()
    whole = decode(data).pixels
    ds = dcmread(io.BytesIO(data))
    start = 132 + 12 + ds.file_meta.FileMetaInformationGroupLength
    np.testing.assert_array_equal(decode(data[start:]).pixels, whole)


def test_attributes_are_facts_that_identify_nobody():
    decoded = decode(dicom(random_pixels((4, 4)), PixelSpacing=[0.1, 0.2], BurnedInAnnotation="NO"))
    assert decoded.attributes["Modality"] == "CR"
    assert decoded.attributes["BodyPartExamined"] == "CHEST"
    assert decoded.attributes["Manufacturer"] == "Lynx Imaging"
    assert decoded.attributes["PixelSpacing"] == "0.1\\0.2"
    assert set(decoded.attributes) <= set(ATTRIBUTES)
    assert not any(secret in value for secret in SECRETS for value in decoded.attributes.values())


GREY = random_pixels((8, 8), np.uint16)
REFUSED = {
    "no pixels": ({"PixelData": None}, "holds no picture"),
    "frames": ({"NumberOfFrames": 5}, "several frames"),
    "huge": ({"Rows": 65535, "Columns": 65535}, "65535 x 65535 pixels, more than the limit"),
    "empty": ({"Rows": 0}, "no pixels"),
    "no rows": ({"Rows": None}, "lacks Rows"),
    "samples": ({"SamplesPerPixel": 4}, "4 samples"),
    "deep": ({"BitsAllocated": 32, "BitsStored": 32}, "32 bits"),
    "stored over allocated": ({"BitsStored": 20}, "20 stored"),
    "colour model": ({"PhotometricInterpretation": "Ferreira"}, "colour model that is not supported: unknown"),
    "hsv": ({"PhotometricInterpretation": "HSV"}, "HSV of 1"),
    "short": ({"Rows": 9}, "damaged or cut short"),
    "bad slope": ({"RescaleSlope": 1, "RescaleIntercept": [1, 2, 3]}, "damaged"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_shown_is_refused_without_quoting_the_file(case):
    fields, said = REFUSED[case]
    with pytest.raises(ImageError, match=said) as caught:
        decode(dicom(GREY, **fields), name="scan")
    assert not any(secret in caught.value.sentence for secret in SECRETS)
    assert "scan" in caught.value.sentence


def test_the_limit_on_pixels_is_that_of_now_not_of_when_the_worker_started(monkeypatch):
    decode(dicom(GREY))
    monkeypatch.setenv("LINCE_MAX_PIXELS", "63")
    with pytest.raises(ImageError, match="8 x 8 pixels, more than the limit of 63"):
        decode(dicom(GREY))


def test_floating_point_pixels_say_why():
    ds = dataset(GREY, PixelData=None)
    ds.FloatPixelData = np.zeros((8, 8), np.float32).tobytes()
    with pytest.raises(ImageError, match="floating-point"):
        decode(written(ds))


def test_a_compressed_stream_must_be_what_the_header_says():
    small, large = np.zeros((8, 8), np.uint8), np.zeros((64, 80), np.uint8)
    stream = saved(Image.fromarray(large), "JPEG")
    with pytest.raises(ImageError, match="claim 80 x 64"):
        decode(compressed(small, stream, uid.JPEGBaseline8Bit))
    ds = dataset(large)
    ds.compress(uid.JPEG2000Lossless, generate_instance_uid=False)
    ds.Rows = 8
    with pytest.raises(ImageError, match="claim 80 x 64"):
        decode(written(ds))


def test_a_small_file_whose_stream_claims_to_be_huge():
    stream = bytearray(saved(Image.fromarray(np.zeros((8, 8), np.uint8)), "JPEG"))
    at = stream.index(b"\xff\xc0") + 5
    stream[at : at + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(ImageError, match="claim 65535 x 65535"):
        decode(compressed(np.zeros((8, 8), np.uint8), bytes(stream), uid.JPEGBaseline8Bit))


def test_a_stream_without_header_is_refused():
    with pytest.raises(ImageError, match="no readable header"):
        decode(compressed(np.zeros((8, 8), np.uint8), b"nothing of the kind", uid.JPEG2000))


def test_other_transfer_syntaxes_are_named():
    with pytest.raises(ImageError, match="MPEG2"):
        decode(compressed(np.zeros((8, 8), np.uint8), b"\0" * 8, uid.MPEG2MPML))
    with pytest.raises(ImageError, match="unknown to this version"):
        decode(compressed(np.zeros((8, 8), np.uint8), b"\0" * 8, "1.2.3.9.8.7.6.5"))


@pytest.mark.parametrize("name", ["JPEG-lossy.dcm", "JPEG-LL.dcm"])
def test_what_needs_the_extra_decodes_with_it_and_names_it_without(name):
    path = get_testdata_file(name, download=False)
    if find_spec("libjpeg"):
        assert decode(path).pixels.size
    else:
        with pytest.raises(ImageError, match=r"lince-med\[dicom-jpeg\]"):
            decode(path)


def test_functional_groups_of_nonsense_do_not_end_the_worker():
    with pytest.raises(ImageError):
        decode(dicom(GREY, ModalityLUTSequence=Sequence([dataset(GREY)])))
    assert decode(dicom(GREY)).pixels.size


def test_workers_are_kept_and_shared_between_threads(monkeypatch):
    started = []
    monkeypatch.setattr(room._Worker, "__init__", _counting(room._Worker.__init__, started))
    monkeypatch.setenv("LINCE_WORKERS", "2")
    room.close_workers()
    files = [dicom(random_pixels((16, 16), np.uint16, seed=i)) for i in range(12)]
    with ThreadPoolExecutor(6) as pool:
        for i, decoded in enumerate(pool.map(decode, files)):
            np.testing.assert_array_equal(decoded.pixels, random_pixels((16, 16), np.uint16, seed=i))
    assert 1 <= len(started) <= 2
    room.close_workers()


def _counting(start, started):
    def counted(self):
        started.append(self)
        start(self)

    return counted


def test_a_worker_that_died_while_idle_is_replaced():
    decode(dicom(GREY))
    for worker in room._pool._idle:
        worker._process.kill()
        worker._process.wait()
    np.testing.assert_array_equal(decode(dicom(GREY)).pixels, GREY)


READY = "import os,sys,time; from lince.imaging.framing import *; send(sys.stdout.buffer, {'ready': True}); "


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (READY + "receive(sys.stdin.buffer, 1 << 30); os.abort()", "stopped on this DICOM file"),
        (READY + "time.sleep(60)", "took too long on this DICOM file"),
        (READY + "receive(sys.stdin.buffer, 1 << 30); os.write(1, b'x' * 99); time.sleep(60)", "stopped"),
        (
            READY + "receive(sys.stdin.buffer, 1 << 30);"
            "send(sys.stdout.buffer, {'shape': [9, 9], 'dtype': 'uint8', 'attributes': {}}, b'123')",
            "makes no sense",
        ),
    ],
)
def test_a_worker_that_fails_is_one_clear_error_and_the_next_file_has_a_new_one(monkeypatch, script, said):
    good = room._COMMAND
    monkeypatch.setattr(room, "_COMMAND", (sys.executable, "-c", script))
    room.close_workers()
    with pytest.raises(ImageError, match=said):
        room.decode_dicom(dicom(GREY), "scan", seconds=0.5 if "sleep(60)" in script else 30)
    monkeypatch.setattr(room, "_COMMAND", good)
    room.close_workers()
    np.testing.assert_array_equal(decode(dicom(GREY)).pixels, GREY)


def test_a_worker_that_cannot_start_is_not_blamed_on_the_file(monkeypatch):
    room.close_workers()
    monkeypatch.setattr(room, "_COMMAND", (sys.executable, "-c", "raise SystemExit(1)"))
    with pytest.raises(LinceError, match="cannot be started") as caught:
        decode(dicom(GREY))
    assert not isinstance(caught.value, ImageError)


@pytest.mark.skipif(sys.platform != "linux", reason="address-space limits hold on Linux")
def test_the_worker_cannot_take_more_memory_than_allowed():
    script = "from lince.imaging.dicom_worker import _restrain; _restrain(1); bytearray(2 << 30)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "MemoryError" in done.stderr


def test_running_out_of_memory_is_an_answer(monkeypatch):
    from lince.imaging import dicom_read, dicom_worker

    def exhausted(data, pixels):
        raise MemoryError

    monkeypatch.setattr(dicom_read, "read_dicom", exhausted)
    head, _ = dicom_worker.answer({"max_pixels": 1}, b"")
    assert "more memory" in head["problem"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_starts_its_own_workers():
    decode(dicom(GREY))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if not room._pool._idle and np.array_equal(decode(dicom(GREY)).pixels, GREY) else 2
            room.close_workers()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    np.testing.assert_array_equal(decode(dicom(GREY)).pixels, GREY)


def test_a_timer_does_not_outlive_its_file():
    before = threading.active_count()
    decode(dicom(GREY))
    decode(dicom(GREY))
    assert threading.active_count() <= before + 1
