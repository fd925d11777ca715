"""Near-duplicates: copies are found, look-alikes are not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from lince.core.errors import ConfigError
from lince.core.events import Event, EventBus, WorkFinished, WorkStarted
from lince.data import duplicates, load, near_duplicate_groups, neighbours

Pixels = NDArray[np.uint8]


def scans(count: int, size: int = 64, seed: int = 0) -> Pixels:
    """Images (N, S, S, 1) that share an anatomy and a frame and differ in fine structure."""
    rng = np.random.default_rng(seed)
    anatomy = gaussian_filter(np.random.default_rng(99).normal(0, 1, (size, size)), size / 8)
    anatomy = 120 + 60 * anatomy / np.abs(anatomy).max()
    fine = gaussian_filter(rng.normal(0, 1, (count, size, size)), (0, size / 32, size / 32))
    images = anatomy + 30 * fine / fine.std()
    images[:, :4] = 255
    images[:, 10:20, :6] = 0
    return np.clip(images, 0, 255).astype(np.uint8)[..., None]


def as_jpeg(image: Pixels) -> Pixels:
    buffer = BytesIO()
    Image.fromarray(image[..., 0]).save(buffer, "JPEG", quality=40)
    return np.asarray(Image.open(buffer))[..., None]


def brighter(image: Pixels) -> Pixels:
    return np.clip(image * 1.15 + 10, 0, 255).astype(np.uint8)


def gamma(image: Pixels) -> Pixels:
    return (255 * (image / 255) ** 0.7).astype(np.uint8)


def cropped(image: Pixels) -> Pixels:
    size = image.shape[0]
    box = (0.01 * size, 0.01 * size, 0.99 * size, 0.99 * size)
    return np.asarray(Image.fromarray(image[..., 0]).resize((size, size), Image.Resampling.BILINEAR, box=box))[
        ..., None
    ]


def same(image: Pixels) -> Pixels:
    return image


@pytest.mark.parametrize("change", [same, as_jpeg, brighter, gamma, cropped])
@pytest.mark.parametrize("count", [2, 60])
def test_changed_copies_share_a_group_and_nothing_else_does(change: Callable[[Pixels], Pixels], count: int) -> None:
    images = scans(count)
    images = np.concatenate([images, change(images[1])[None]])
    groups = near_duplicate_groups(images)
    assert groups[1] == groups[-1]
    assert len(set(groups)) == count


def test_common_frame_and_anatomy_do_not_make_duplicates() -> None:
    assert len(set(near_duplicate_groups(scans(300)))) == 300


def test_colour_and_grey_versions_are_the_same_picture() -> None:
    images = np.repeat(scans(40), 3, axis=3)
    images[7] = images[30]
    groups = near_duplicate_groups(images)
    assert groups[7] == groups[30]
    assert len(set(groups)) == 39


def test_names_follow_pixels_not_order() -> None:
    images = scans(50)
    images[3] = images[40]
    groups = near_duplicate_groups(images)
    order = np.random.default_rng(5).permutation(50)
    assert near_duplicate_groups(images[order]) == [groups[position] for position in order]


def test_existing_groups_are_joined() -> None:
    images = scans(40)
    images[1], images[2] = images[0], images[20]
    existing: list[str | None] = [None] * 40
    existing[0], existing[2], existing[5], existing[6] = "ann", "bob", "eve", "eve"
    groups = near_duplicate_groups(images, existing=existing)
    assert groups[0] == groups[1] == "ann"
    assert groups[2] == groups[20] == "bob"
    assert groups[5] == groups[6] == "eve"
    assert len(set(groups)) == 37
    existing[20] = "cid"
    assert near_duplicate_groups(images, existing=existing)[2] == "bob+cid"


def test_many_joined_groups_have_a_short_name_of_their_own() -> None:
    images = np.repeat(scans(1), 10, axis=0)
    names = set(near_duplicate_groups(images, existing=[f"p{i}" for i in range(10)]))
    assert len(names) == 1
    assert len(names.pop()) < 30


def test_blank_images_match_only_the_same_blank() -> None:
    images = scans(30)
    images[3], images[4], images[5] = 0, 0, 200
    groups = near_duplicate_groups(images)
    assert groups[3] == groups[4] != groups[5]
    assert len(set(groups)) == 29


def test_a_chain_of_frames_is_cut_where_it_would_swallow_the_collection() -> None:
    size, frames = 64, 120
    film = gaussian_filter(np.random.default_rng(0).normal(0, 1, (size, size + frames)), 2)
    film = np.clip(128 + 40 * film / film.std(), 0, 255).astype(np.uint8)
    images = np.stack([film[:, k : k + size, None] for k in range(frames)])
    assert max(Counter(near_duplicate_groups(images)).values()) <= 32


def test_the_reduced_search_finds_what_the_whole_one_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    images = scans(400, size=28)
    for copy, original in ((10, 300), (11, 301), (12, 302)):
        images[copy] = brighter(images[original])
    whole = near_duplicate_groups(images)
    monkeypatch.setattr(neighbours, "REDUCE_ABOVE", 100)
    monkeypatch.setattr(neighbours, "_ROWS", 64)
    monkeypatch.setattr(neighbours, "_COLUMNS", 96)
    assert near_duplicate_groups(images) == whole
    assert len(set(whole)) == 397


def test_too_many_pairs_keep_the_closest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_MOST_PAIRS", 10)
    monkeypatch.setattr(neighbours, "_ROWS", 8)
    images = np.concatenate([np.repeat(scans(1), 20, axis=0), scans(20, seed=1)])
    groups = near_duplicate_groups(images)
    assert len(set(groups[:20])) == 1
    assert len(set(groups)) == 21


def test_odd_sizes_and_empty() -> None:
    assert near_duplicate_groups(np.empty((0, 8, 8, 1), np.uint8)) == []
    tiny = near_duplicate_groups(np.random.default_rng(0).integers(0, 256, (5, 9, 9, 3), np.uint8))
    assert len(set(tiny)) == 5
    wide = scans(40, size=50)[:, :37]
    wide[1] = wide[2]
    assert len(set(near_duplicate_groups(wide))) == 39


def test_refusals() -> None:
    with pytest.raises(ConfigError, match="uint8"):
        near_duplicate_groups(np.zeros((2, 8, 8), np.uint8))
    with pytest.raises(ConfigError, match="uint8"):
        near_duplicate_groups(np.zeros((2, 8, 8, 1)))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="one existing group per image"):
        near_duplicate_groups(np.zeros((2, 8, 8, 1), np.uint8), existing=["a"])


def test_progress_is_told() -> None:
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)
    near_duplicate_groups(scans(10), bus=bus)
    assert heard[0] == WorkStarted(duplicates.TASK, 10)
    assert heard[-1] == WorkFinished(duplicates.TASK)
    assert len(heard) == 3


@pytest.mark.real_data
def test_busi_has_many_small_groups(real_data: Path) -> None:
    collection = load(real_data / "busi")
    images = np.stack(
        [np.asarray(Image.open(s.path).convert("L").resize((224, 224)))[..., None] for s in collection.samples]
    )
    sizes = Counter(near_duplicate_groups(images))
    assert 90 <= sum(size > 1 for size in sizes.values()) <= 110
    assert max(sizes.values()) < 15


@pytest.mark.real_data
def test_every_byte_identical_chest_film_is_found_and_little_else(real_data: Path) -> None:
    collection = load(real_data / "chest_xray")
    images, prints = [], []
    for sample in collection.samples:
        data = Path(sample.path).read_bytes()
        prints.append(sha256(data).hexdigest())
        image = Image.open(BytesIO(data))
        image.draft("L", (112, 112))
        images.append(np.asarray(image)[..., None])
    groups = near_duplicate_groups(np.stack(images))
    found = defaultdict(set)
    for group, fingerprint in zip(groups, prints, strict=True):
        found[fingerprint].add(group)
    assert sum(count > 1 for count in Counter(prints).values()) == 24
    assert all(len(names) == 1 for names in found.values())
    assert sum(count > 1 for count in Counter(groups).values()) <= 30
    assert max(Counter(groups).values()) < 15
