"""Damaged DICOM files: refused or decoded, and the process that asked lives on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from lince.core.errors import ImageError
from lince.imaging import decode
from lince.imaging.dicom import close_workers, decode_frame

SEEDS = (
    "MR_small_RLE.dcm", "MR_small_implicit.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_small_odd_jpeg.dcm", "MR_small_bigendian.dcm",
)  # fmt: skip
EACH = 50


@pytest.mark.parametrize("name", SEEDS)
def test_damaged_files_are_refused_or_decoded(name):
    source = Path(get_testdata_file(name, download=False)).read_bytes()
    random = np.random.default_rng(len(name))
    refused: list[ImageError] = []
    for round_ in range(EACH):
        data = bytearray(source)
        for _ in range(int(random.integers(1, 12))):
            # Half of the damage goes to the header, where a value can lead a decoder astray.
            end = len(data) if round_ % 2 else min(len(data), 2000)
            data[int(random.integers(128, end))] = int(random.integers(0, 256))
        if round_ % 5 == 0:
            del data[int(random.integers(132, len(data))) :]
        try:
            pixels = decode(bytes(data)).pixels
        except ImageError as error:
            refused.append(error)
        else:
            assert pixels.dtype in (np.uint8, np.uint16)
    assert refused
    assert not [e for e in refused if "stopped" in e.problem]  # a worker died: its decoder is not safe
    assert decode(source).pixels.size
    if name == SEEDS[-1]:
        close_workers()


@pytest.mark.parametrize("name", ["emri_small_jpeg_2k_lossless.dcm", "emri_small_RLE.dcm", "emri_small.dcm"])
def test_frames_of_damaged_files_are_refused_or_decoded(name, tmp_path):
    source = Path(get_testdata_file(name, download=False)).read_bytes()
    random = np.random.default_rng(len(name))
    path = tmp_path / "damaged"
    refused: list[ImageError] = []
    for round_ in range(EACH // 2):
        data = bytearray(source)
        for _ in range(int(random.integers(1, 12))):
            end = len(data) if round_ % 2 else min(len(data), 2000)
            data[int(random.integers(128, end))] = int(random.integers(0, 256))
        if round_ % 5 == 0:
            del data[int(random.integers(132, len(data))) :]
        path.write_bytes(data)
        for frame in (0, 7, 9):
            try:
                pixels = decode_frame(path, frame).pixels
            except ImageError as error:
                refused.append(error)
            else:
                assert pixels.dtype in (np.uint8, np.uint16)
    assert refused
    assert not [e for e in refused if "stopped" in e.problem]
    path.write_bytes(source)
    assert decode_frame(path, 9).pixels.shape == (64, 64)
    close_workers()
