"""Places that cannot be read are told apart."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from image_makers import random_pixels, saved
from PIL import Image

from lince.core.errors import ImageError
from lince.imaging import decode


def test_a_folder(tmp_path):
    with pytest.raises(ImageError, match="folder"):
        decode(tmp_path)


def test_a_missing_file(tmp_path):
    with pytest.raises(ImageError, match="no such file") as caught:
        decode(tmp_path / "gone.png")
    assert "gone.png" in caught.value.sentence


def test_a_name_with_a_null_byte():
    with pytest.raises(ImageError):
        decode("a\0b.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="regular file"):
        decode(tmp_path / "pipe.png")


def test_no_permission(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(saved(Image.new("L", (4, 4)), "PNG"))
    if os.geteuid() == 0:  # root may read anything: let the system call refuse

        def refuse(*_):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(type(path), "read_bytes", refuse)
    else:
        path.chmod(0)
    with pytest.raises(ImageError, match="may not be read"):
        decode(path)


def test_a_file_far_larger_than_any_image_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setenv("LINCE_MAX_PIXELS", "1000")
    with (tmp_path / "big.png").open("wb") as stream:
        stream.truncate(3_000_000)
    with pytest.raises(ImageError, match="too much for one image"):
        decode(tmp_path / "big.png")


def test_the_name_given_is_the_name_shown():
    with pytest.raises(ImageError, match=r"scan 7\.png"):
        decode(b"", name="scan 7.png")
    with pytest.raises(ImageError, match="the bytes given"):
        decode(b"")


def test_paths_strings_and_bytes_agree(tmp_path):
    pixels = random_pixels((5, 6, 3))
    data = saved(Image.fromarray(pixels), "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    for source in (data, path, str(path)):
        np.testing.assert_array_equal(decode(source).pixels, pixels)


def test_importing_the_room_is_light():
    heavy = ("torch", "pandas", "scipy", "pydicom", "sklearn", "matplotlib")
    script = f"import sys, lince.imaging; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
