"""Rows of .npy arrays, and samples of every kind through the same recipe."""

from __future__ import annotations

import os

import numpy as np
import pytest
from image_makers import random_pixels, saved
from PIL import Image

from lince.core.errors import ImageError
from lince.core.types import Sample
from lince.imaging import ImageSpec, load_sample
from lince.imaging.rows import read_row


@pytest.mark.parametrize("shape", [(5, 6, 7), (5, 6, 7, 1), (5, 6, 7, 3)])
@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2"])
def test_rows_come_back_in_native_order(tmp_path, shape, dtype):
    array = random_pixels(shape, np.uint16 if dtype.endswith("2") else np.uint8).astype(dtype)
    np.save(tmp_path / "a.npy", array)
    for row in range(5):
        got = read_row(tmp_path / "a.npy", row)
        assert got.dtype in (np.uint8, np.uint16)
        assert got.dtype.isnative
        np.testing.assert_array_equal(got, array[row] if shape[-1] != 1 else array[row, ..., 0])


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((3, 4)),
        np.zeros((3, 4, 4)),
        np.zeros((3, 4, 4), np.int32),
        np.zeros((3, 4, 4, 2), np.uint8),
        np.zeros((3, 0, 4), np.uint8),
        np.asfortranarray(np.zeros((3, 4, 4), np.uint8)),
    ],
)
def test_what_is_no_stack_of_images_is_refused(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(ImageError, match="not a stack of images"):
        read_row(tmp_path / "a.npy", 0)


def test_objects_are_never_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}, {}], object), allow_pickle=True)
    with pytest.raises(ImageError):
        read_row(tmp_path / "a.npy", 0)


def test_damage_is_told(tmp_path):
    path = tmp_path / "a.npy"
    with pytest.raises(ImageError, match="no such file"):
        read_row(path, 0)
    path.write_bytes(b"not an array")
    with pytest.raises(ImageError, match=r"not a \.npy array"):
        read_row(path, 0)
    np.save(path, np.zeros((3, 4, 4), np.uint8))
    for row in (3, -1):
        with pytest.raises(ImageError, match="3 images"):
            read_row(path, row)
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(ImageError, match="cut short"):
        read_row(path, 2)
    with pytest.raises(ImageError, match="cannot be read"):
        read_row(tmp_path, 0)


def test_an_array_that_claims_huge_images_is_refused(tmp_path):
    with (tmp_path / "a.npy").open("wb") as stream:
        header = {"descr": "|u1", "fortran_order": False, "shape": (2, 60_000, 60_000)}
        np.lib.format.write_array_header_1_0(stream, header)
    with pytest.raises(ImageError, match="60000 x 60000"):
        read_row(tmp_path / "a.npy", 0)


def test_a_replaced_array_is_noticed(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 4, 4), np.uint8))
    assert read_row(tmp_path / "a.npy", 0).shape == (4, 4)
    np.save(tmp_path / "a.npy", np.zeros((3, 5, 6, 3), np.uint8))
    assert read_row(tmp_path / "a.npy", 0).shape == (5, 6, 3)


def test_a_row_and_a_file_of_the_same_pixels_are_the_same_sample(tmp_path):
    pixels = random_pixels((20, 30, 3))
    np.save(tmp_path / "a.npy", pixels[np.newaxis])
    (tmp_path / "a.png").write_bytes(saved(Image.fromarray(pixels), "PNG"))
    spec = ImageSpec(size=16)
    row = load_sample(Sample(str(tmp_path / "a.npy"), "x", row=0), spec)
    np.testing.assert_array_equal(row, load_sample(Sample(str(tmp_path / "a.png"), "x"), spec))
