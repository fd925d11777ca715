"""Headers of compressed pictures are read as the decoders read them."""

from __future__ import annotations

import numpy as np
import openjpeg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_makers import random_pixels, saved
from PIL import Image

from lince.imaging.codestream import Claim, read_claim


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"exif": b"Exif\0\0\xff\xc0\0\x11 not a frame header"}])
def test_jpeg(options):
    data = saved(Image.fromarray(random_pixels((30, 50, 3))), "JPEG", **options)
    assert read_claim(data) == Claim(50, 30, 3, 8)


@pytest.mark.parametrize("options", [{}, {"no_jp2": True}])
def test_jpeg_2000_bare_and_in_boxes(options):
    data = saved(Image.fromarray(random_pixels((40, 70))), "JPEG2000", **options)
    assert read_claim(data) == Claim(70, 40, 1, 8)


def test_deep_jpeg_2000():
    data = openjpeg.encode(random_pixels((64, 80), np.uint16), photometric_interpretation=2)
    assert read_claim(bytes(data)) == Claim(80, 64, 1, 16)


def test_fill_bytes_between_markers_are_skipped():
    data = saved(Image.fromarray(random_pixels((30, 50))), "JPEG")
    assert read_claim(data[:2] + b"\xff\xff\xff" + data[2:]) == Claim(50, 30, 1, 8)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xda\0\x02", b"\xff\xd8\xff\xc0\0\x11", b"\xff\x4f\xff\x51\0"]
)
def test_no_header_is_no_claim(data):
    assert read_claim(data) is None


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8", b"\xff\x4f\xff\x51"]))
def test_any_bytes_give_a_claim_or_none(data, start):
    claim = read_claim(start + data)
    assert claim is None or isinstance(claim.width, int)
