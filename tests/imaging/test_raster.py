"""Still images of every supported kind decode to what was put in; everything else is one clear refusal."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from image_makers import PNG_MAGIC, deep_png, png_chunk, png_header, random_pixels, saved, smooth_pixels, tiff
from PIL import Image

from lince.core.errors import ConfigError, ImageError
from lince.imaging import decode

LOSSLESS = [("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("BMP", {}), ("WEBP", {"lossless": True})]


@settings(max_examples=40)
@given(
    pixels=hnp.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3))),
    how=st.sampled_from(LOSSLESS),
)
def test_lossless_colour_comes_back_unchanged(pixels, how):
    form, options = how
    decoded = decode(saved(Image.fromarray(pixels), form, **options))
    assert decoded.format == form
    assert decoded.pixels.dtype == np.uint8
    np.testing.assert_array_equal(decoded.pixels, pixels)


@settings(max_examples=40)
@given(
    pixels=st.sampled_from([np.uint8, np.uint16]).flatmap(
        lambda kind: hnp.arrays(kind, st.tuples(st.integers(1, 20), st.integers(1, 20)))
    ),
    form=st.sampled_from(["PNG", "TIFF"]),
)
def test_lossless_grey_comes_back_unchanged_and_keeps_its_depth(pixels, form):
    decoded = decode(saved(Image.fromarray(pixels), form))
    assert decoded.pixels.dtype == pixels.dtype
    np.testing.assert_array_equal(decoded.pixels, pixels)


@settings(max_examples=30)
@given(
    pixels=hnp.arrays(np.uint16, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3))),
    how=st.sampled_from(["png", "little", "big", "deflate", "deflate-big"]),
)
def test_deep_colour_keeps_all_sixteen_bits(pixels, how):
    if how == "png":
        data = deep_png(pixels)
    else:
        data = tiff(pixels, order=">" if "big" in how else "<", deflate="deflate" in how)
    decoded = decode(data)
    assert decoded.pixels.dtype == np.uint16
    np.testing.assert_array_equal(decoded.pixels, pixels)


def test_alpha_goes_over_black_in_eight_and_sixteen_bits():
    for kind in (np.uint8, np.uint16):
        top = int(np.iinfo(kind).max)
        colour = random_pixels((5, 7, 3), kind)
        alpha = random_pixels((5, 7, 1), kind, seed=1)
        alpha[0], alpha[1] = 0, top
        pixels = np.concatenate([colour, alpha], -1)
        data = saved(Image.fromarray(pixels), "PNG") if kind is np.uint8 else deep_png(pixels)
        expected = np.rint(colour * (alpha / top))
        got = decode(data).pixels
        assert got.dtype == kind
        assert np.abs(got.astype(float) - expected).max() <= 1
        assert not got[0].any()
        np.testing.assert_array_equal(got[1], colour[1])


def test_deep_grey_with_alpha():
    pixels = random_pixels((6, 4, 2), np.uint16)
    expected = np.rint(pixels[..., 0] * (pixels[..., 1] / 65535))
    got = decode(deep_png(pixels)).pixels
    assert got.shape == (6, 4)
    assert np.abs(got - expected).max() <= 1


def test_deep_rgba_tiff():
    pixels = random_pixels((6, 4, 4), np.uint16)
    expected = pixels[..., :3] * (pixels[..., 3:] / 65535)
    assert np.abs(decode(tiff(pixels)).pixels - expected).max() <= 1


def test_transparent_grey_value_of_a_deep_png_is_black():
    pixels = np.array([[[7], [40000]]], np.uint16)
    got = decode(deep_png(pixels, png_chunk(b"tRNS", struct.pack(">H", 40000)))).pixels
    np.testing.assert_array_equal(got, [[7, 0]])


@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP"])
def test_palette_and_one_bit(form):
    grey = random_pixels((9, 11))
    one_bit = Image.fromarray(grey).convert("1", dither=Image.Dither.NONE)
    np.testing.assert_array_equal(decode(saved(one_bit, form)).pixels, np.asarray(one_bit) * np.uint8(255))
    palette = Image.fromarray(random_pixels((9, 11, 3))).quantize(16)
    np.testing.assert_array_equal(decode(saved(palette, form)).pixels, np.asarray(palette.convert("RGB")))


def test_palette_with_a_transparent_entry_is_black_there():
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 210, 220])
    palette.putdata([0, 1])
    got = decode(saved(palette, "PNG", transparency=1)).pixels
    np.testing.assert_array_equal(got, [[[10, 20, 30], [0, 0, 0]]])


def test_grey_with_alpha_stays_grey():
    bands = random_pixels((5, 5, 2))
    got = decode(saved(Image.fromarray(bands), "PNG")).pixels
    assert got.shape == (5, 5)
    assert np.abs(got - bands[..., 0] * (bands[..., 1] / 255)).max() <= 1


def test_jpeg_grey_colour_and_cmyk_are_close_to_what_went_in():
    colour = smooth_pixels(48, 64)
    assert np.abs(decode(saved(Image.fromarray(colour), "JPEG", quality=95)).pixels.astype(int) - colour).max() < 12
    grey = colour[..., 0].copy()
    got = decode(saved(Image.fromarray(grey), "JPEG", quality=95)).pixels
    assert got.shape == grey.shape
    assert np.abs(got.astype(int) - grey).max() < 6
    cmyk = Image.fromarray(colour).convert("CMYK")
    assert np.abs(decode(saved(cmyk, "JPEG", quality=95)).pixels.astype(int) - colour).max() < 16


def test_twelve_bits_and_white_is_zero_reach_the_nominal_range():
    grey = np.array([[0, 65535, 1000]], np.uint16)
    np.testing.assert_array_equal(decode(tiff(grey, photometric=0)).pixels, 65535 - grey)
    np.testing.assert_array_equal(
        decode(tiff(grey.astype(np.uint8), photometric=0)).pixels, 255 - grey.astype(np.uint8)
    )
    packed = bytearray(tiff(np.array([[0x00, 0x0F, 0xFF]], np.uint8)))  # 12 bits each: 0 and 4095
    at = packed.index(struct.pack("<HHI", 256, 4, 1)) + 8
    packed[at : at + 4] = struct.pack("<I", 2)
    at = packed.index(struct.pack("<HHI", 258, 3, 1)) + 8
    packed[at : at + 2] = struct.pack("<H", 12)
    np.testing.assert_array_equal(decode(bytes(packed)).pixels, [[0, 65535]])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_brings_the_picture_upright(form, orientation):
    upright = smooth_pixels(24, 40)
    # What a camera held that way would have stored: the inverse of each EXIF transformation.
    inverse = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: np.rot90(p, 1),
        7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
        8: lambda p: np.rot90(p, -1),
    }[orientation]
    stored = Image.fromarray(np.ascontiguousarray(inverse(upright)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(form, {})
    got = decode(saved(stored, form, exif=exif.tobytes(), **options)).pixels
    assert got.shape == upright.shape
    assert got.flags.c_contiguous
    assert np.abs(got.astype(int) - upright).max() < (12 if form == "JPEG" else 1)


@pytest.mark.parametrize("orientation", [3, 6])
def test_orientation_of_deep_colour_tiff(orientation):
    stored = random_pixels((4, 6, 3), np.uint16)
    turned = {3: stored[::-1, ::-1], 6: np.rot90(stored, -1)}[orientation]
    np.testing.assert_array_equal(decode(tiff(stored, orientation=orientation)).pixels, turned)


def test_unreadable_exif_does_not_spoil_the_picture():
    pixels = random_pixels((4, 4, 3))
    data = saved(Image.fromarray(pixels), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    np.testing.assert_array_equal(decode(data).pixels, pixels)


@pytest.mark.parametrize(("form", "options"), [*LOSSLESS, ("JPEG", {}), ("JPEG", {"progressive": True}), ("WEBP", {})])
def test_a_file_cut_short_is_refused_or_whole_but_never_padded(form, options):
    data = saved(Image.fromarray(random_pixels((24, 30, 3))), form, **options)
    whole = decode(data).pixels
    refused = 0
    for length in range(0, len(data), 37):
        try:
            np.testing.assert_array_equal(decode(data[:length]).pixels, whole)
        except ImageError:
            refused += 1
    assert refused > 0.95 * len(range(0, len(data), 37))


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damaged_bytes_raise_nothing_but_image_errors(data):
    source = data.draw(st.sampled_from(_VICTIMS))
    changed = bytearray(source)
    for _ in range(data.draw(st.integers(1, 6))):
        changed[data.draw(st.integers(0, len(source) - 1))] = data.draw(st.integers(0, 255))
    changed = changed[: data.draw(st.integers(1, len(changed)))] if data.draw(st.booleans()) else changed
    try:
        pixels = decode(bytes(changed)).pixels
    except ImageError:
        return
    assert pixels.dtype in (np.uint8, np.uint16)
    assert pixels.ndim == 2 or pixels.shape[2] == 3


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_any_bytes_raise_nothing_but_image_errors(data):
    with pytest.raises(ImageError):
        decode(data)


def test_a_huge_png_is_refused_by_its_header():
    header = png_header(60_000, 60_000, 8, 2) + png_chunk(b"IDAT", zlib.compress(b"\0" * 100)) + png_chunk(b"IEND", b"")
    with pytest.raises(ImageError, match="60000 x 60000 pixels, more than the limit"):
        decode(header)


def test_a_small_jpeg_that_claims_to_be_huge_is_refused_by_its_header():
    data = bytearray(saved(Image.new("RGB", (8, 8)), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(ImageError, match="65535 x 65535"):
        decode(bytes(data))


def test_a_webp_that_claims_to_be_huge_is_refused_before_it_is_opened(monkeypatch):
    data = bytearray(saved(Image.new("RGBA", (8, 8), (1, 2, 3, 4)), "WEBP", exif=b"Exif\0\0"))
    assert data[12:16] == b"VP8X"
    data[24:30] = b"\xff\x3f\x00\xff\x3f\x00"
    with pytest.raises(ImageError, match="16384 x 16384"):
        decode(bytes(data))


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"}])
def test_the_limit_is_exact_for_every_webp_header(monkeypatch, options):
    data = saved(Image.new("RGB", (30, 20)), "WEBP", **options)
    monkeypatch.setenv("LINCE_MAX_PIXELS", "600")
    assert decode(data).pixels.shape == (20, 30, 3)
    monkeypatch.setenv("LINCE_MAX_PIXELS", "599")
    with pytest.raises(ImageError, match="30 x 20"):
        decode(data)


def test_a_wrong_limit_is_not_blamed_on_the_file(monkeypatch):
    monkeypatch.setenv("LINCE_MAX_PIXELS", "many")
    for form in ("PNG", "WEBP"):
        with pytest.raises(ConfigError, match="LINCE_MAX_PIXELS"):
            decode(saved(Image.new("RGB", (30, 20)), form))


def test_a_tiff_with_huge_tiles_is_refused():
    data = bytearray(tiff(random_pixels((4, 4)), deflate=True))
    for tag, new, value in ((278, 322, 60_000), (284, 323, 60_000)):
        at = next(i for i in range(len(data)) if struct.unpack_from("<HxxI", data, i) == (tag, 1))
        struct.pack_into("<HHII", data, at, new, 4, 1, value)
    with pytest.raises(ImageError, match="60000 x 60000"):
        decode(bytes(data))


def test_a_text_bomb_in_a_png_is_refused():
    bomb = png_chunk(b"zTXt", b"k\0\0" + zlib.compress(b"\0" * 200_000_000, 9))
    data = saved(Image.new("L", (8, 8)), "PNG")
    end = len(PNG_MAGIC) + 25
    with pytest.raises(ImageError):
        decode(data[:end] + bomb + data[end:])


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_moving_pictures_are_refused(form):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    with pytest.raises(ImageError, match="moving picture"):
        decode(saved(frames[0], form, save_all=True, append_images=frames[1:]))


def test_pages_are_refused_thumbnails_are_not():
    pixels = random_pixels((8, 8))
    with pytest.raises(ImageError, match="several pages"):
        decode(tiff(pixels, pages=2))
    np.testing.assert_array_equal(decode(tiff(pixels, pages=3, reduced=True)).pixels, pixels)


@pytest.mark.parametrize(
    ("dtype", "sample_format"), [(np.float32, 3), (np.int32, 2), (np.uint32, 1), (np.int16, 2), (np.float64, 3)]
)
def test_samples_without_a_nominal_range_are_refused(dtype, sample_format):
    with pytest.raises(ImageError):
        decode(tiff(np.ones((4, 4), dtype), sample_format=sample_format))


def test_float_tiff_says_why():
    with pytest.raises(ImageError, match="no agreed black and white"):
        decode(tiff(np.ones((4, 4), np.float32), sample_format=3))


def test_no_pixels_is_said():
    data = bytearray(saved(Image.new("L", (8, 8)), "BMP"))
    data[18:22] = b"\0\0\0\0"
    with pytest.raises(ImageError):
        decode(bytes(data))


def _victims() -> list[bytes]:
    colour, grey16 = random_pixels((12, 10, 3)), random_pixels((12, 10), np.uint16)
    files = [saved(Image.fromarray(colour), form, **options) for form, options in [*LOSSLESS, ("JPEG", {})]]
    files += [saved(Image.fromarray(grey16), "PNG"), saved(Image.fromarray(colour).quantize(8), "PNG")]
    files += [deep_png(random_pixels((5, 5, n), np.uint16)) for n in (2, 3, 4)]
    files += [tiff(random_pixels((5, 5, 3), np.uint16), deflate=flag) for flag in (False, True)]
    exif = Image.Exif()
    exif[0x0112] = 6
    files.append(saved(Image.fromarray(colour), "JPEG", exif=exif.tobytes()))
    return files


_VICTIMS = _victims()


def test_the_victims_are_sound():
    for data in _VICTIMS:
        assert decode(data).pixels.size
