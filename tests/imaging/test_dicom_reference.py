"""Grey and colour against DCMTK, the reference implementation: within one level in 255."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from image_makers import random_pixels
from PIL import Image
from pydicom import uid
from pydicom.data import get_testdata_file

from dicom_makers import dicom
from lince.imaging import decode
from lince.imaging.dicom import close_workers

FILES = (
    "CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_jpeg_ls_lossless.dcm",
    "693_UNCI.dcm", "MR2_UNCI.dcm", "RG1_UNCI.dcm", "RG3_UNCI.dcm", "JPEG2000_UNC.dcm", "JPEGLSNearLossless_16.dcm",
    "mlut_18.dcm", "vlut_04.dcm", "image_dfl.dcm", "examples_overlay.dcm", "examples_palette.dcm", "color-pl.dcm",
    "SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_rle_16bit.dcm", "SC_rgb_jls_lossy_line.dcm", "US1_UNCI.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
)  # fmt: skip


@pytest.fixture(scope="module")
def dcmtk():
    """DCMTK's three programs; continuous integration installs them, so there their absence is a failure."""
    if not shutil.which("dcm2pnm"):
        if os.environ.get("CI"):
            pytest.fail("dcm2pnm is missing: install the package dcmtk")
        pytest.skip("dcm2pnm is not installed (package dcmtk)")
    yield _shown_by_dcmtk
    close_workers()


def _shown_by_dcmtk(path: Path, folder: Path) -> np.ndarray:
    ds = pydicom.dcmread(path, stop_before_pixels=True)
    syntax = ds.file_meta.TransferSyntaxUID
    program = "dcm2pnm"
    if syntax in (uid.JPEGLSLossless, uid.JPEGLSNearLossless):
        program = "dcml2pnm"
    elif syntax in uid.JPEGTransferSyntaxes:
        program = "dcmj2pnm"
    view = ["--no-overlays"]
    if ds.get("VOILUTSequence"):
        view += ["--use-voi-lut", "1"]
    elif ds.get("WindowWidth"):
        view += ["--use-window", "1"]
    subprocess.run([program, *view, str(path), str(folder / "o.pnm")], check=True, capture_output=True)
    with Image.open(folder / "o.pnm") as image:
        return np.asarray(image)


def _levels(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(int) if pixels.dtype == np.uint8 else np.rint(pixels / 257).astype(int)


def _agree(path: Path, folder: Path) -> None:
    reference, ours = _shown_by_dcmtk(path, folder), _levels(decode(path).pixels)
    assert ours.shape == reference.shape
    assert np.abs(ours - reference).max() <= 1


@pytest.mark.parametrize("name", FILES)
def test_public_test_files_look_as_dcmtk_shows_them(dcmtk, name, tmp_path):
    _agree(Path(get_testdata_file(name, download=False)), tmp_path)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("shape", [None, "IDENTITY", "INVERSE"])
@pytest.mark.parametrize("window", [False, True])
def test_every_polarity(dcmtk, photometric, shape, window, tmp_path):
    fields = {"PhotometricInterpretation": photometric, "BitsStored": 12}
    if shape:
        fields["PresentationLUTShape"] = shape
    if window:
        fields |= {"WindowCenter": 2000, "WindowWidth": 1500}
    pixels = random_pixels((16, 16), np.uint16) & np.uint16(4095)
    (tmp_path / "a.dcm").write_bytes(dicom(pixels, **fields))
    _agree(tmp_path / "a.dcm", tmp_path)


@pytest.mark.parametrize("slope", [1, 2.5, -1])
@pytest.mark.parametrize("window", [False, True])
def test_rescale(dcmtk, slope, window, tmp_path):
    fields = {"RescaleSlope": slope, "RescaleIntercept": -1000, "BitsStored": 12}
    if window:
        fields |= {"WindowCenter": 300 if slope > 0 else -2500, "WindowWidth": 800}
    pixels = random_pixels((16, 16), np.uint16) & np.uint16(4095)
    (tmp_path / "a.dcm").write_bytes(dicom(pixels, **fields))
    _agree(tmp_path / "a.dcm", tmp_path)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["cr_chest_jpeg_baseline.dcm", "cr_hip_jpegls.dcm"])
def test_real_images_look_as_dcmtk_shows_them(dcmtk, real_data, name, tmp_path):
    _agree(real_data / "dicom" / name, tmp_path)


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "shape"), [("mammogram_j2k.dcm", (4664, 3064)), ("us_j2k.dcm", (480, 640, 3))])
def test_real_jpeg_2000_images_decode(real_data, name, shape):
    """DCMTK reads no JPEG 2000: lossless twins in test_dicom stand for the values, these for the files' size."""
    pixels = decode(real_data / "dicom" / name).pixels
    assert pixels.shape == shape
    assert pixels.std() > 0
