"""The grey pipeline, step by step, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset, Sequence

from dicom_makers import dataset, lut_item
from lince.imaging.dicom_grey import to_grey

RAMP16 = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16)
RAMP8 = np.arange(256, dtype=np.uint8).reshape(16, 16)


def grey(pixels, **fields):
    return to_grey(pixels, dataset(pixels, **fields))


def test_without_window_the_nominal_range_is_shown_not_the_range_in_use():
    dim = np.array([[0, 1000, 4095]], np.uint16)
    np.testing.assert_array_equal(grey(dim), dim)
    np.testing.assert_array_equal(grey(dim, BitsStored=12), [[0, round(1000 / 4095 * 65535), 65535]])
    np.testing.assert_array_equal(grey(RAMP8), RAMP8)


def test_signed_values_start_at_the_lowest():
    values = np.array([[-32768, 0, 32767]], np.int16)
    np.testing.assert_array_equal(grey(values), [[0, 32768, 65535]])
    twelve = np.array([[-2048, -1, 0, 2047]], np.int16)
    np.testing.assert_array_equal(
        grey(twelve, BitsStored=12), [[0, round(2047 / 4095 * 65535), round(2048 / 4095 * 65535), 65535]]
    )


def test_window_in_hounsfield_units():
    # Stored 0..4095, rescaled to -1024..3071; centre 40, width 400: PS3.3, C.11.2.1.2.1.
    stored = np.array([[0, 1024 + 40 - 201, 1024 + 40, 1024 + 40 + 200, 4095]], np.uint16)
    shown = (
        grey(stored, BitsStored=12, RescaleSlope=1, RescaleIntercept=-1024, WindowCenter=40, WindowWidth=400) / 65535
    )
    np.testing.assert_allclose(shown, [[0, 0, (0.5 / 399) + 0.5, 1, 1]], atol=1e-4)


def test_the_first_of_several_windows_is_used():
    stored = np.array([[100, 150]], np.uint16)
    one = grey(stored, WindowCenter=["100", "5000"], WindowWidth=["50", "9000"])
    np.testing.assert_array_equal(one, grey(stored, WindowCenter=100, WindowWidth=50))


@pytest.mark.parametrize(
    "window",
    [
        {"WindowCenter": 100, "WindowWidth": 0},
        {"WindowCenter": 100, "WindowWidth": -5},
        {"WindowCenter": "", "WindowWidth": ""},
        {"WindowCenter": 100},
        {"WindowCenter": 100, "WindowWidth": 50, "VOILUTFunction": "MAGIC"},
        {"VOILUTSequence": Sequence()},
        {"VOILUTSequence": Sequence([Dataset()])},
    ],
)
def test_a_window_that_cannot_be_applied_falls_back_to_the_nominal_range(window):
    np.testing.assert_array_equal(grey(RAMP16, **window), RAMP16)


def test_sigmoid_and_exact_windows():
    stored = np.array([[1000, 2000, 3000]], np.uint16)
    shown = grey(stored, WindowCenter=2000, WindowWidth=1000, VOILUTFunction="SIGMOID") / 65535
    np.testing.assert_allclose(shown, 1 / (1 + np.exp(-4 * (stored - 2000.0) / 1000)), atol=1e-4)
    exact = grey(stored, WindowCenter=2000, WindowWidth=4000, VOILUTFunction="LINEAR_EXACT") / 65535
    np.testing.assert_allclose(exact, [[0.25, 0.5, 0.75]], atol=1e-4)


def test_a_negative_slope_turns_the_picture_with_and_without_a_window():
    stored = np.array([[0, 4095]], np.uint16)
    fields = {"BitsStored": 12, "RescaleSlope": -1, "RescaleIntercept": 4095}
    np.testing.assert_array_equal(grey(stored, **fields), [[65535, 0]])


def test_monochrome1_is_inverted_once():
    np.testing.assert_array_equal(grey(RAMP8, PhotometricInterpretation="MONOCHROME1"), 255 - RAMP8)
    both = grey(RAMP8, PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE")
    np.testing.assert_array_equal(both, 255 - RAMP8)
    np.testing.assert_array_equal(grey(RAMP8, PresentationLUTShape="INVERSE"), 255 - RAMP8)
    np.testing.assert_array_equal(grey(RAMP8, PresentationLUTShape="IDENTITY"), RAMP8)


def test_padding_is_black_also_in_an_inverted_picture():
    stored = np.array([[0, 5, 60000]], np.uint16)
    inverted = grey(stored, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=0)
    np.testing.assert_array_equal(inverted, [[0, 65530, 5535]])
    ranged = grey(stored, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=0, PixelPaddingRangeLimit=10)
    np.testing.assert_array_equal(ranged, [[0, 0, 5535]])


def test_signed_padding_is_found_whichever_sign_its_writer_chose():
    stored = np.array([[-2000, 0]], np.int16)
    for value in (-2000, 65536 - 2000):
        ds = dataset(stored, PhotometricInterpretation="MONOCHROME1")
        ds.add_new("PixelPaddingValue", "SS" if value < 0 else "US", value)
        np.testing.assert_array_equal(to_grey(stored, ds), [[0, 32767]])


def test_voi_lut_of_eight_bit_entries_longer_than_256():
    entries = np.arange(4096) // 16
    ds = dataset(np.array([[0, 1600, 4095]], np.uint16), BitsStored=12)
    ds.VOILUTSequence = Sequence([lut_item(entries, 0, 8)])
    np.testing.assert_array_equal(to_grey(ds_pixels(ds), ds), np.array([[0, 100, 255]]) * 257)


def test_voi_lut_clips_at_both_ends():
    ds = dataset(np.array([[0, 10, 11, 12, 500]], np.uint16))
    ds.VOILUTSequence = Sequence([lut_item(np.array([100, 200, 300]), 10, 10)])
    np.testing.assert_allclose(to_grey(ds_pixels(ds), ds) / 65535 * 1023, [[100, 100, 200, 300, 300]], atol=0.01)


def test_modality_lut():
    ds = dataset(np.array([[0, 1, 2, 9]], np.uint16))
    ds.ModalityLUTSequence = Sequence([lut_item(np.array([0, 40000, 65535]), 0, 16)])
    np.testing.assert_array_equal(to_grey(ds_pixels(ds), ds), [[0, 40000, 65535, 65535]])


def test_bits_outside_the_stored_ones_do_not_count():
    stored = np.array([[0x0FFF, 0xF000, 0x8123]], np.uint16)  # an overlay in the upper four bits
    np.testing.assert_array_equal(grey(stored, BitsStored=12), [[65535, 0, round(0x123 / 4095 * 65535)]])
    left = np.array([[0xFFF0, 0x000F]], np.uint16)
    np.testing.assert_array_equal(grey(left, BitsStored=12, HighBit=15), [[65535, 0]])


def test_one_frame_enhanced_objects_keep_their_window_in_functional_groups():
    item, group = Dataset(), Dataset()
    item.WindowCenter, item.WindowWidth = 100, 50
    group.FrameVOILUTSequence = Sequence([item])
    stored = np.array([[50, 100, 150]], np.uint16)
    shown = grey(stored, PerFrameFunctionalGroupsSequence=Sequence([group]))
    np.testing.assert_array_equal(shown, grey(stored, WindowCenter=100, WindowWidth=50))
    assert shown[0, 0] == 0
    assert shown[0, 2] == 65535


def ds_pixels(ds):
    return np.frombuffer(ds.PixelData, "<u2").reshape(ds.Rows, ds.Columns)
