"""The content tells what a file is, and the message says so."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_makers import random_pixels, saved
from PIL import Image

from lince.core.errors import ImageError
from lince.imaging import IMAGE_SUFFIXES, decode
from lince.imaging.sniff import sniff


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"patient,age\n1,50\n", "a text file"),
        ("paciente: Ávila, não".encode() * 300, "a text file"),
        ("texto".encode("utf-16"), "a text file"),
        (b"BMI,age\n23,50\n", "a text file"),
        (b"<?xml version='1.0'?><svg xmlns='x'/>", "an SVG drawing"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"%PDF-1.7\n", "a PDF document"),
        (saved(Image.new("P", (4, 4)), "GIF"), "a GIF"),
        (b"PK\x03\x04" + b"\0" * 40, "a ZIP archive"),
        (gzip.compress(b"x" * 400, mtime=0), "a gzip archive"),
        (b"\x93NUMPY\x01\x00", "a NumPy array"),
        (b"\0\0\0\x1cftypheic\0\0\0\0", "a HEIC photograph"),
        (b"\0" * 344 + b"n+1\0", "a NIfTI volume"),
        (bytes(range(256)), "a file of unknown kind"),
        (b"\x00", "a file of unknown kind"),
    ],
)
def test_what_is_no_image_is_named(data, said):
    with pytest.raises(ImageError, match=said) as caught:
        decode(data, name="scan.png")
    assert "scan.png" in caught.value.sentence


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_the_name_does_not_matter(tmp_path, form):
    path = tmp_path / "picture.dcm"
    path.write_bytes(saved(Image.fromarray(random_pixels((5, 5, 3))), form))
    assert decode(path).format == form


def test_dicom_wins_over_the_signature_in_its_preamble():
    assert sniff(b"II*\x00" + b"\0" * 124 + b"DICM", "x") == "DICOM"


@pytest.mark.parametrize(
    "start",
    [
        b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100",
        b"\x00\x08\x00\x05CS\x00\x0aISO_IR 100",
        b"\x08\x00\x08\x00\x06\x00\x00\x00ORIGIN",
        b"\x02\x00\x00\x00UL\x04\x00\xc8\x00\x00\x00",
    ],
)
def test_dicom_without_preamble_is_known_by_its_first_element(start):
    assert sniff(start + b"\0" * 20, "x") == "DICOM"


@settings(deadline=None)
@given(st.text(min_size=1))
def test_text_is_never_an_image(text):
    with pytest.raises(ImageError):
        sniff(text.encode(), "x")


def test_suffixes_are_lower_case_with_a_dot():
    assert {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dib", ".webp", ".dcm", ".ima"} <= IMAGE_SUFFIXES
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in IMAGE_SUFFIXES)
