"""The array cache: complete, bounded, quick the second time, and never wrong."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from image_makers import random_pixels, saved
from PIL import Image

from lince.core.errors import OutputError
from lince.core.events import EventBus, FileSkipped, WorkAdvanced, WorkFinished, WorkStarted
from lince.core.files import sha256_bytes, sha256_file
from lince.core.types import Sample
from lince.imaging import ImageSpec, cache, cached_images, load_sample
from lince.imaging.ordered import in_order

SPEC = ImageSpec(size=16)


@pytest.fixture
def samples(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    found = []
    for i in range(7):
        path = folder / f"{i}.png"
        path.write_bytes(saved(Image.fromarray(random_pixels((20, 10 + i, 3), seed=i)), "PNG"))
        found.append(Sample(str(path), "x"))
    return found


@pytest.fixture
def reads(monkeypatch):
    """Every call that opens a sample."""
    seen = []
    original = cache.read_sample

    def counted(sample):
        seen.append(sample)
        return original(sample)

    monkeypatch.setattr(cache, "read_sample", counted)
    return seen


def test_the_array_is_what_each_sample_gives_alone(samples, tmp_path):
    array = cached_images(samples, SPEC, folder=tmp_path / "c")
    assert array.pixels.shape == (7, 16, 16, 3)
    assert array.pixels.dtype == np.uint8
    for row, sample in zip(array.pixels, samples, strict=True):
        np.testing.assert_array_equal(row, load_sample(sample, SPEC))
    assert array.digests == tuple(sha256_file(sample.path) for sample in samples)
    np.testing.assert_array_equal(array.kept, range(7))
    assert array.kept.dtype == np.int64
    assert array.skipped == ()


def test_the_array_is_on_disk_and_read_only(samples, tmp_path):
    array = cached_images(samples, SPEC, folder=tmp_path / "c")
    assert isinstance(array.pixels, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        array.pixels[0] = 0


def test_the_default_folder_is_in_the_cache(samples, tmp_path, monkeypatch):
    monkeypatch.setenv("LINCE_CACHE", str(tmp_path / "mine"))
    cached_images(samples, SPEC)
    assert list((tmp_path / "mine" / "arrays").glob("*/pixels.npy"))


def test_damaged_files_are_told_counted_and_left_out(samples, tmp_path):
    Path(samples[2].path).write_bytes(Path(samples[2].path).read_bytes()[:60])
    Path(samples[5].path).write_text("no image")
    samples.append(Sample(str(tmp_path / "gone.png"), "x"))
    told = []
    bus = EventBus()
    bus.subscribe(lambda event: told.append(event) if isinstance(event, FileSkipped) else None)
    for _ in range(2):  # the second time from the cache: never silent
        told.clear()
        array = cached_images(samples, SPEC, folder=tmp_path / "c", bus=bus)
        np.testing.assert_array_equal(array.kept, [0, 1, 3, 4, 6])
        assert [s.path for s in array.skipped] == [samples[i].path for i in (2, 5, 7)]
        assert ["cut short" in array.skipped[0].reason, "text file" in array.skipped[1].reason] == [True, True]
        assert [(event.path, event.reason) for event in told] == [(s.path, s.reason) for s in array.skipped]
        np.testing.assert_array_equal(array.pixels[2], load_sample(samples[3], SPEC))


def test_nothing_readable_is_an_empty_array(tmp_path):
    array = cached_images([Sample(str(tmp_path / "gone"), "x")], SPEC, folder=tmp_path / "c")
    assert array.pixels.shape == (0, 16, 16, 3)
    assert len(array.skipped) == 1
    assert cached_images([], SPEC, folder=tmp_path / "c").pixels.shape == (0, 16, 16, 3)


def test_each_file_is_read_once_and_not_at_all_the_second_time(samples, tmp_path, reads):
    first = cached_images(samples, SPEC, folder=tmp_path / "c")
    assert len(reads) == 7
    second = cached_images(samples, SPEC, folder=tmp_path / "c")
    assert len(reads) == 7
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert first.digests == second.digests


@pytest.mark.parametrize("disguised", [False, True])
def test_a_changed_file_is_noticed_even_with_its_old_size_and_time(samples, tmp_path, disguised):
    before = cached_images(samples, SPEC, folder=tmp_path / "c")
    path = Path(samples[3].path)
    facts = path.stat()
    data = bytearray(saved(Image.fromarray(random_pixels((20, 13, 3), seed=99)), "PNG"))
    time.sleep(0.02)  # beyond the resolution of the clock that stamps files
    path.write_bytes(data[: facts.st_size] if len(data) > facts.st_size else data)
    if disguised:
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    after = cached_images(samples, SPEC, folder=tmp_path / "c")
    assert after.digests != before.digests or after.skipped


@pytest.mark.parametrize("change", [{"size": 24}, {"channels": 1}, {"fit": "crop"}, {"intensity": "percentile"}])
def test_another_recipe_is_another_array(samples, tmp_path, change, reads):
    cached_images(samples, SPEC, folder=tmp_path / "c")
    other = SPEC.model_dump(exclude={"mean", "std"}) | change
    array = cached_images(samples, ImageSpec(**other), folder=tmp_path / "c")
    assert len(reads) == 14
    np.testing.assert_array_equal(array.pixels[0], load_sample(samples[0], ImageSpec(**other)))


def test_another_normalisation_is_the_same_array(samples, tmp_path, reads):
    cached_images(samples, SPEC, folder=tmp_path / "c")
    cached_images(samples, SPEC.model_copy(update={"mean": (0.0, 0.0, 0.0)}), folder=tmp_path / "c")
    assert len(reads) == 7


def test_order_matters_and_the_same_content_is_kept_once(samples, tmp_path):
    cached_images(samples, SPEC, folder=tmp_path / "c")
    turned = cached_images(samples[::-1], SPEC, folder=tmp_path / "c")
    np.testing.assert_array_equal(turned.pixels[0], load_sample(samples[6], SPEC))
    shutil.copytree(tmp_path / "images", tmp_path / "copy")
    cached_images([Sample(s.path.replace("images", "copy"), "x") for s in samples], SPEC, folder=tmp_path / "c")
    assert len(list((tmp_path / "c").glob("*/pixels.npy"))) == 2


def test_rows_of_an_array(tmp_path):
    stack = random_pixels((50, 9, 9), np.uint8)
    np.save(tmp_path / "a.npy", stack)
    rows = [Sample(str(tmp_path / "a.npy"), "x", row=i) for i in (4, 49, 50, 0)]
    array = cached_images(rows, ImageSpec(size=9, channels=1), folder=tmp_path / "c")
    np.testing.assert_array_equal(array.pixels[..., 0], stack[[4, 49, 0]])
    assert array.digests[0] == sha256_bytes(stack[4].tobytes())
    np.testing.assert_array_equal(array.kept, [0, 1, 3])


def test_progress_is_told(samples, tmp_path):
    events = []
    bus = EventBus()
    bus.subscribe(events.append)
    cached_images(samples, SPEC, folder=tmp_path / "c", bus=bus)
    assert events[0] == WorkStarted("Reading images", 7)
    assert events[-2:] == [WorkAdvanced("Reading images", 7), WorkFinished("Reading images")]
    events.clear()
    cached_images(samples, SPEC, folder=tmp_path / "c", bus=bus)
    assert events == []


def test_few_images_are_in_flight_however_many_there_are(monkeypatch):
    monkeypatch.setenv("LINCE_WORKERS", "3")
    taken, flying = [0], [0]
    lock = threading.Lock()

    def all_samples():
        for i in range(500):
            taken[0] += 1
            yield Sample(str(i), "x")

    def read(sample):
        with lock:
            flying[0] += 1
        return cache._Read(sample.path, None)

    for done, result in enumerate(in_order(all_samples(), read)):
        assert result.digest == str(done)
        assert taken[0] - done <= 3 * 4 + 1
    assert flying[0] == 500


def test_a_broken_array_is_made_again(samples, tmp_path):
    first = cached_images(samples, SPEC, folder=tmp_path / "c")
    expected = np.array(first.pixels)
    (home,) = (tmp_path / "c").glob("*/")
    os.truncate(home / "pixels.npy", 500)
    np.testing.assert_array_equal(cached_images(samples, SPEC, folder=tmp_path / "c").pixels, expected)
    (home / "facts.json").write_text("{")
    np.testing.assert_array_equal(cached_images(samples, SPEC, folder=tmp_path / "c").pixels, expected)
    for ticket in (tmp_path / "c").glob("*.json"):
        ticket.write_text("[]")
    np.testing.assert_array_equal(cached_images(samples, SPEC, folder=tmp_path / "c").pixels, expected)


def test_an_interruption_leaves_nothing(samples, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cache, "_read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cached_images(samples, SPEC, folder=tmp_path / "c")
    assert list((tmp_path / "c").iterdir()) == []


def test_a_killed_process_leaves_no_broken_cache_and_is_swept_up_later(samples, tmp_path):
    script = (
        "import os, sys; from lince.imaging import cache, ImageSpec; from lince.core.types import Sample\n"
        "cache.write_json = lambda *_: os._exit(9)\n"
        "cache._check_room = lambda *_: None\n"
        "original = cache._write_header\n"
        "cache._write_header = lambda s, n, spec: os._exit(9) if n else original(s, n, spec)\n"
        "samples = [Sample(p, 'x') for p in sys.argv[2:]]\n"
        "cache.cached_images(samples, ImageSpec(size=16), folder=cache.Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "c"), *[s.path for s in samples]])
    assert done.returncode == 9
    (left,) = (tmp_path / "c").iterdir()
    assert cached_images(samples, SPEC, folder=tmp_path / "c").pixels.shape[0] == 7
    assert left.exists()  # it might be another process at work
    long_ago = time.time() - 2 * 24 * 3600
    for path in (left, *left.iterdir()):
        os.utime(path, (long_ago, long_ago))
    cached_images(samples, SPEC, folder=tmp_path / "c")
    assert not left.exists()


def test_two_at_once_agree(samples, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: cached_images(samples, SPEC, folder=tmp_path / "c"), range(8)))
    for array in found:
        np.testing.assert_array_equal(array.pixels, found[0].pixels)
    assert len(list((tmp_path / "c").glob("*/pixels.npy"))) == 1
    assert not list((tmp_path / "c").glob(".building*"))


def test_too_little_room_is_told_before_any_work(samples, tmp_path, monkeypatch, reads):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 10, 1000))
    with pytest.raises(OutputError, match=r"need 0\.\d+ GB"):
        cached_images(samples, SPEC, folder=tmp_path / "c")
    assert reads == []


def test_a_disk_that_fills_up_is_an_error_and_leaves_nothing(samples, tmp_path, monkeypatch):
    def full(stream, count, spec):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache, "_write_header", full)
    with pytest.raises(OutputError, match="disk is full"):
        cached_images(samples, SPEC, folder=tmp_path / "c")
    assert list((tmp_path / "c").iterdir()) == []


def test_a_place_that_cannot_be_written(samples, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        cached_images(samples, SPEC, folder=tmp_path / "file" / "c")


@pytest.mark.real_data
def test_real_chest_images(real_data, tmp_path):
    paths = sorted((real_data / "chest_xray" / "train" / "NORMAL").iterdir())[:40]
    array = cached_images([Sample(str(p), "NORMAL") for p in paths], ImageSpec(), folder=tmp_path)
    assert array.pixels.shape == (40, 224, 224, 3)
    assert array.pixels.std() > 20
    np.testing.assert_array_equal(array.pixels[17], ImageSpec().load(paths[17].read_bytes()))


def test_what_is_measured_on_images_is_kept_beside_them_and_goes_with_them(samples, tmp_path):
    asked = []

    def measure(pixels):
        asked.append(len(pixels))
        return pixels.mean(axis=(1, 2)).astype(np.float32)

    images = cached_images(samples, SPEC, folder=tmp_path / "arrays")
    first = cache.cached_rows(images, "means-1", measure)
    again = cached_images(samples, SPEC, folder=tmp_path / "arrays")
    assert (cache.cached_rows(again, "means-1", measure) == first).all()
    assert asked == [7]
    (images.home / "means-1.npy").write_bytes(b"cut")
    assert (cache.cached_rows(images, "means-1", measure) == first).all()
    cache.cached_rows(images, "means-2", measure)
    fewer = cached_images(samples[:5], SPEC, folder=tmp_path / "arrays")
    assert len(cache.cached_rows(fewer, "means-1", measure)) == 5
    assert asked == [7, 7, 7, 5]


def test_images_without_a_home_are_measured_each_time(samples, tmp_path):
    images = replace(cached_images(samples, SPEC, folder=tmp_path / "arrays"), home=None)
    found = cache.cached_rows(images, "first", lambda pixels: pixels[:, 0, 0].astype(np.float32))
    assert found.shape == (7, 3)
    assert not list(tmp_path.rglob("first.npy"))
