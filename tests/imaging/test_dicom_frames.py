"""Frames of multi-frame DICOM files: which one comes back, with which window, and how often the file is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from image_makers import random_pixels
from pydicom import Dataset, Sequence, dcmread, uid
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate

from dicom_makers import clip, dataset, written
from lince.core.errors import ImageError
from lince.core.types import Sample
from lince.imaging import ImageSpec, cached_images, decode, dicom_read, load_sample
from lince.imaging.dicom import close_workers, decode_frame

FRAMES = random_pixels((5, 6, 8), np.uint16)
SPEC = ImageSpec(size=8, channels=1)


@pytest.fixture(scope="module", autouse=True)
def _workers_end_with_the_tests():
    yield
    close_workers()


@pytest.fixture
def put(tmp_path):
    def write(ds, name="clip.dcm"):
        path = tmp_path / name
        path.write_bytes(written(ds))
        return str(path)

    return write


def grouped(*, shared=None, each=()):
    """The functional groups of an enhanced object from {sequence: {keyword: value}}."""
    return {
        "SharedFunctionalGroupsSequence": Sequence([_group(shared or {})]),
        "PerFrameFunctionalGroupsSequence": Sequence([_group(group) for group in each]),
    }


def _group(sequences):
    group = Dataset()
    for name, values in sequences.items():
        item = Dataset()
        for keyword, value in values.items():
            setattr(item, keyword, value)
        setattr(group, name, Sequence([item]))
    return group


@pytest.mark.parametrize("syntax", [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian])
@pytest.mark.parametrize("shape", [(4, 5, 7), (4, 5, 7, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_each_frame_comes_back_unchanged(put, syntax, shape, dtype):
    frames = random_pixels(shape, dtype)
    path = put(clip(frames, syntax=syntax))
    for number in (2, 0, 3, 1):
        np.testing.assert_array_equal(decode_frame(path, number).pixels, frames[number])


@pytest.mark.parametrize(
    "name", ["emri_small_jpeg_ls_lossless.dcm", "emri_small_jpeg_2k_lossless.dcm", "emri_small_RLE.dcm"]
)
def test_compressed_frames_are_those_of_the_uncompressed_twin(name):
    twin = get_testdata_file("emri_small.dcm", download=False)
    for number in (0, 4, 9):
        pixels = decode_frame(get_testdata_file(name, download=False), number).pixels
        np.testing.assert_array_equal(pixels, decode_frame(twin, number).pixels)
    assert not np.array_equal(pixels, decode_frame(twin, 0).pixels)


def test_frames_of_a_colour_clip():
    path = get_testdata_file("examples_ybr_color.dcm", download=False)
    expected = dcmread(path).pixel_array
    for number in (0, 29):
        shown = decode_frame(path, number)
        assert shown.attributes["Modality"] == "US"
        assert np.abs(shown.pixels.astype(int) - expected[number].astype(int)).max() <= 2


def test_each_frame_of_an_enhanced_object_has_its_own_window(put):
    windows = [{"FrameVOILUTSequence": {"WindowCenter": 1000 * n, "WindowWidth": 500}} for n in range(1, 6)]
    path = put(clip(FRAMES, **grouped(each=windows)))
    for number in range(5):
        alone = dataset(FRAMES[number], WindowCenter=1000 * (number + 1), WindowWidth=500)
        np.testing.assert_array_equal(decode_frame(path, number).pixels, decode(written(alone)).pixels)


def test_shared_groups_hold_for_every_frame_and_those_of_the_frame_come_first(put):
    rescale = {"PixelValueTransformationSequence": {"RescaleSlope": 2, "RescaleIntercept": -100, "RescaleType": "US"}}
    window = {"FrameVOILUTSequence": {"WindowCenter": 40000, "WindowWidth": 20000}}
    other = {"FrameVOILUTSequence": {"WindowCenter": 90000, "WindowWidth": 30000}}
    path = put(clip(FRAMES, **grouped(shared=rescale | window, each=[{}, other, {}, {}, {}])))
    for number, (center, width) in ((0, (40000, 20000)), (1, (90000, 30000)), (4, (40000, 20000))):
        alone = dataset(
            FRAMES[number],
            WindowCenter=center,
            WindowWidth=width,
            RescaleSlope=2,
            RescaleIntercept=-100,
            RescaleType="US",
        )
        np.testing.assert_array_equal(decode_frame(path, number).pixels, decode(written(alone)).pixels)


def test_the_whole_file_is_no_image(put):
    with pytest.raises(ImageError, match="several frames"):
        decode(put(clip(FRAMES)))


@pytest.mark.parametrize("number", [5, -1, 10**9])
def test_a_frame_that_is_not_there(put, number):
    with pytest.raises(ImageError, match="has 5 frames, no number"):
        decode_frame(put(clip(FRAMES)), number)


def test_a_file_that_is_gone(tmp_path):
    with pytest.raises(ImageError, match="No such file"):
        decode_frame(tmp_path / "gone.dcm", 0)


def test_the_worker_finds_the_file_from_wherever_it_was_started(put, monkeypatch):
    path = Path(put(clip(FRAMES)))
    decode_frame(path, 0)
    monkeypatch.chdir(path.parent)
    np.testing.assert_array_equal(decode_frame(path.name, 3).pixels, FRAMES[3])


def test_a_stream_that_claims_another_size_than_the_header_is_refused_for_its_frame_alone(put):
    import io

    from PIL import Image

    def jpeg(side):
        stream = io.BytesIO()
        Image.new("L", (side, side), 90).save(stream, "JPEG")
        return stream.getvalue()

    ds = clip(np.zeros((2, 16, 16), np.uint8), syntax=uid.JPEGBaseline8Bit)
    ds.PixelData = encapsulate([jpeg(16), jpeg(32)])
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    path = put(ds)
    assert decode_frame(path, 0).pixels.shape == (16, 16)
    with pytest.raises(ImageError, match="claim 32 x 32"):
        decode_frame(path, 1)


@pytest.fixture
def openings(monkeypatch):
    """How often a file was parsed."""
    opened = []
    parse = dicom_read._opened
    monkeypatch.setattr(dicom_read, "_opened", lambda stream: opened.append(stream.name) or parse(stream))
    return opened


def test_a_file_is_parsed_once_for_all_its_frames(put, openings):
    reader, path = dicom_read.FrameReader(), put(clip(FRAMES))
    for number in range(5):
        np.testing.assert_array_equal(reader.read(path, number, 1000)[0], FRAMES[number])
    assert len(openings) == 1
    assert reader._dataset is None  # the last frame lets go of the memory


def test_a_file_that_changed_is_parsed_anew(put, openings):
    reader, path = dicom_read.FrameReader(), put(clip(FRAMES))
    reader.read(path, 0, 1000)
    put(clip(FRAMES[::-1].copy()), "other.dcm")
    Path(path).with_name("other.dcm").replace(path)
    np.testing.assert_array_equal(reader.read(path, 1, 1000)[0], FRAMES[3])
    assert len(openings) == 2


def test_frames_in_the_array_cache(put, tmp_path, monkeypatch):
    path = put(clip(FRAMES))
    samples = [Sample(path, "a", row=row) for row in range(5)]
    array = cached_images(samples, SPEC, folder=tmp_path / "arrays")
    assert len(array.pixels) == len(set(array.digests)) == 5
    for number, sample in enumerate(samples):
        np.testing.assert_array_equal(array.pixels[number], load_sample(sample, SPEC))
    monkeypatch.setattr("lince.imaging.dicom.decode_frame", None)  # the second time nothing is decoded
    np.testing.assert_array_equal(cached_images(samples, SPEC, folder=tmp_path / "arrays").pixels, array.pixels)


def test_frames_that_cannot_be_decoded_are_skipped_with_their_reason(put, tmp_path):
    good, cut = put(clip(FRAMES)), Path(put(clip(FRAMES), "cut.dcm"))
    cut.write_bytes(cut.read_bytes()[:-100])
    samples = [Sample(path, "a", row=row) for path in (good, str(cut)) for row in range(2)]
    array = cached_images(samples, SPEC, folder=tmp_path / "arrays")
    assert list(array.kept) == [0, 1]
    assert {skip.path for skip in array.skipped} == {str(cut)}
    assert "damaged or cut short" in array.skipped[0].reason
