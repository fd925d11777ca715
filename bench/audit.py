"""`lince.audit`: what it takes, what it finds of what was planted, and how many neighbours the quick search misses."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from bench import planting
from bench.common import DATA, Skip, chest_folder, need, scratch

# Runs in a process of its own, whose peak memory is its own.
_WHOLE = """
import json, resource, sys, time
import lince
start = time.perf_counter()
audit = lince.audit(sys.argv[1])
print(json.dumps({
    "seconds": time.perf_counter() - start,
    "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    "images": audit.images,
    "findings": {finding.kind: finding.count for finding in audit.findings},
}))
"""


def run(*, quick: bool = False) -> dict[str, Any]:
    many = 10_000 if quick else 100_000
    found: dict[str, Any] = {"planted": planted(range(1 if quick else 10)), "clean": clean(range(2 if quick else 20))}
    try:
        with scratch() as folder:
            images = crowd(many)
            found["neighbours"] = neighbours(images)
            np.savez(
                folder / "many.npz", train_images=images, train_labels=np.arange(many, dtype=np.uint8)[:, None] % 2
            )
            found["small images"] = whole(folder / "many.npz")
        if not quick:
            found["chest films"] = whole(chest_folder())
            found["breast ultrasound"] = whole(need(DATA / "busi", "the breast ultrasound collection"))
    except Skip as reason:
        print(f"  skipped: {reason}")
    return found


def whole(source: Path) -> dict[str, Any]:
    """Seconds, peak memory and findings of one audit."""
    import json

    with scratch() as cache:
        words = [sys.executable, "-c", _WHOLE, str(source)]
        done = subprocess.run(words, env=_environment(cache), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(" ", source.name, told, flush=True)
    return told


def _environment(cache: Path) -> dict[str, str]:
    import os

    return {**os.environ, "LINCE_CACHE": str(cache)}


def crowd(count: int) -> np.ndarray:
    """(N, 28, 28) grey: parts of chest films, mirrored or not, and one in fifty a copy of an earlier one, changed."""
    import lince
    from lince.imaging import ImageSpec, cached_images

    rng = np.random.default_rng(0)
    with scratch() as folder:
        films = cached_images(lince.load(chest_folder()).samples, ImageSpec(size=112, channels=1), folder=folder)
        pixels = np.array(films.pixels[..., 0])
    images = np.empty((count, 28, 28), np.uint8)
    for number in range(count):
        if number % 50 == 49:
            copy = images[rng.integers(number)].astype(float)
            images[number] = np.clip(copy * rng.uniform(0.85, 1.15) + rng.normal(0, 5, copy.shape), 0, 255)
            continue
        # Every part at its own scale and place: a film gives twenty images that are not copies of one another.
        factor = int(rng.integers(1, 4))
        side = 28 * factor
        top, left = rng.integers(0, 112 - side + 1, 2)
        part = pixels[rng.integers(len(pixels)), top : top + side, left : left + side]
        part = part.reshape(28, factor, 28, factor).mean(axis=(1, 3))
        images[number] = part[:, ::-1] if rng.uniform() < 0.5 else part
    return images


def neighbours(images: np.ndarray) -> dict[str, Any]:
    """Pairs of near-duplicates that the search by cells finds, of those that comparing all with all finds."""
    from lince.data.neighbours import Index, Pairs
    from lince.data.structure import Structure

    vectors = Structure.of(images[..., None]).vectors()
    told: dict[str, Any] = {"images": len(images)}
    sets = {}
    for name, exhaustive in (("cells", False), ("all with all", True)):
        start = time.perf_counter()
        pairs = Pairs.none()
        for _, some in Index(vectors, exhaustive=exhaustive).pairs_within(0.75):
            pairs = pairs.joined(some)
        told[f"{name}_s"] = time.perf_counter() - start
        sets[name] = {(a, b) for a, b in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)}
    told["pairs"] = len(sets["all with all"])
    told["recall"] = len(sets["cells"] & sets["all with all"]) / max(1, told["pairs"])
    print("  neighbours", told, flush=True)
    return told


def planted(seeds: range) -> dict[str, Any]:
    """Shares of planted defects that were found, by kind, and of images that were told without reason."""
    found: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    wrong = images = 0
    for seed in seeds:
        for name, good, of, bad, seen in (*_copies(seed), *_images(seed), *_giveaways(seed), *_whole_collection(seed)):
            found[name] += good
            tried[name] += of
            wrong += bad
            images += seen
    exact = [name for name in tried if not name.startswith(("cropped by 15", "cropped by 25"))]
    told = {
        "found": sum(found[name] for name in exact) / sum(tried[name] for name in exact),
        "by_kind": {name: [found[name], tried[name]] for name in tried},
        "false_alarms_per_image": wrong / images,
    }
    print("  planted", told, flush=True)
    return told


def clean(seeds: range) -> dict[str, Any]:
    """Collections without a defect about which a severe finding or a warning was told nevertheless."""
    import lince

    alarms = []
    for seed in seeds:
        with scratch() as folder:
            place = _phantoms(folder, 1000 + seed, count=200)
            alarms += [f.kind for f in lince.audit(place).findings if f.severity != "note"]
    print("  clean", len(seeds), alarms, flush=True)
    return {"collections": len(seeds), "alarms": alarms}


Row = tuple[str, int, int, int, int]


def _phantoms(folder: Path, seed: int, *, count: int = 240) -> Path:
    from lince.data import write_phantoms

    return write_phantoms(folder / "phantoms", count=count, seed=seed, size=96)


def _copies(seed: int) -> list[Row]:
    """Copies of every kind, half of them under another label or in another part."""
    import lince

    rng = np.random.default_rng(seed)
    with scratch() as folder:
        place = _phantoms(folder, seed)
        pairs = planting.plant_copies(place, list(planting.CHANGES), 3, rng)
        collection = lince.load(place)
        findings = {finding.kind: finding for finding in lince.audit(collection).findings}
        cases = [
            {collection.samples[position].name for position in evidence.members}
            for evidence in findings["duplicates"].evidence
        ]
        wanted = [set(pair) for own in pairs.values() for pair in own]
        wrong = sum(case not in wanted for case in cases)
        rows = [(change, sum(set(pair) in cases for pair in own), len(own), 0, 0) for change, own in pairs.items()]
        return [*rows, ("copies", 0, 0, wrong, len(collection))]


def _images(seed: int) -> list[Row]:
    """Images that are spoilt one by one."""
    import lince

    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    with scratch() as folder:
        for kind, spoil in (
            ("corrupt", planting.corrupt),
            ("blank", planting.blank),
            ("saturated", planting.saturate),
            ("burned-in-text", planting.letter),
        ):
            place = _phantoms(folder, seed)
            spoilt = planting.pick(place, 10, rng)
            for path in spoilt:
                spoil(path, rng)
            findings = {finding.kind: finding for finding in lince.audit(place).findings}
            told = set()
            if kind in findings:
                told = {lince.load(place).samples[p].name for e in findings[kind].evidence for p in e.members}
            names = {path.name for path in spoilt}
            rows.append((kind, len(told & names), len(names), len(told - names), 240))
            shutil.rmtree(place)
    return rows


def _giveaways(seed: int) -> list[Row]:
    """What is done to nearly every image of one class."""
    import lince

    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    with scratch() as folder:
        for name, (change, facts) in planting.GIVEAWAYS.items():
            place = _phantoms(folder, seed)
            for path in planting.pick(place, 85, rng, "malignant"):
                change(path, rng)
            told = {f.values["fact"] for f in lince.audit(place).findings if f.kind == "shortcut"}
            rows.append((f"{name} by class", int(bool(told & set(facts))), 1, 0, 0))
            shutil.rmtree(place)
    return rows


def _whole_collection(seed: int) -> list[Row]:
    """Copies under another label and in other parts, a patient in two parts, a class of few."""
    import lince
    from lince.data import Collection, split_collection

    rng = np.random.default_rng(seed)

    def kinds(collection: Collection) -> set[str]:
        return {finding.kind for finding in lince.audit(collection).findings}

    with scratch() as folder:
        place = _phantoms(folder, seed)
        planting.plant_copies(place, ["JPEG of quality 75"], 1, rng, label="malignant")
        benign = planting.pick(place, 1, rng, "benign")[0]
        shutil.copy(benign, place / "malignant" / "other.png")
        conflict = "conflicting-labels" in kinds(lince.load(place))
        twin = place / "benign" / "twin.png"
        shutil.copy(benign, twin)
        collection = split_collection(lince.load(place), seed=seed)
        forced = {twin.name: "test", benign.name: "train"}
        parts = [forced.get(sample.name, sample.split) for sample in collection.samples]
        torn = "duplicates-across-splits" in kinds(collection.with_splits(parts))
        groups = [f"p{number // 2}" for number in range(len(collection))]
        patient = "group-across-splits" in kinds(collection.with_groups(groups))
        keep = [i for i, s in enumerate(collection.samples) if s.label == "benign" or i % 12 == 0]
        few = "class-balance" in kinds(collection.subset(keep))
    names = ("conflicting labels", "copy in another part", "patient in two parts", "class of few")
    return [(name, int(hit), 1, 0, 0) for name, hit in zip(names, (conflict, torn, patient, few), strict=True)]
