"""What a bundle remembers of its training images."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.inference.conftest import Altered

from lince.core.errors import BundleError
from lince.core.files import sha256_file
from lince.inference.bundle import Bundle
from lince.inference.neighbours import EMBEDDINGS, NAMES, read_neighbours, similar_cases, stratified, write_neighbours
from lince.inference.predictor import Predictor


@pytest.fixture(scope="module")
def predictor(tiny_bundle: Path) -> Predictor:
    return Predictor(tiny_bundle)


def test_a_bundle_remembers_its_training_images_by_name_and_label(
    predictor: Predictor, tiny_images: Path, tiny_bundle: Path
) -> None:
    found = read_neighbours(predictor.bundle)
    trained = sum(predictor.bundle.manifest.provenance["collection"]["counts"]["train"].values())
    assert len(found.names) == len(set(found.names)) == trained
    assert found.embeddings.shape == (trained, 128)
    assert found.embeddings.dtype == np.float16
    for name, label in zip(found.names, found.labels, strict=True):
        assert name.startswith(f"{label}/phantom_")
        assert (tiny_images / name).is_file()
    text = (tiny_bundle / NAMES).read_text(encoding="utf-8")
    assert str(tiny_images) not in text
    assert str(tiny_images.parent) not in text
    recorded = predictor.bundle.manifest.hashes
    assert {name: recorded[name] for name in (EMBEDDINGS, NAMES)} == {
        name: sha256_file(tiny_bundle / name) for name in (EMBEDDINGS, NAMES)
    }


def test_a_training_image_is_most_like_itself(predictor: Predictor, tiny_images: Path) -> None:
    known = read_neighbours(predictor.bundle)
    for name, label in list(zip(known.names, known.labels, strict=True))[::5]:
        first, second, third = similar_cases(predictor, predictor.prepare(tiny_images / name), 3)
        assert (first.rank, first.name, first.label) == (1, name, label)
        assert first.similarity == pytest.approx(1.0, abs=0.01)
        assert first.similarity > second.similarity >= third.similarity
        assert second.as_dict() == {
            "rank": 2, "similarity": second.similarity, "label": second.label, "name": second.name,
        }  # fmt: skip


def test_no_more_than_there_are(predictor: Predictor, tiny_images: Path) -> None:
    image = predictor.prepare(next(tiny_images.rglob("*.png")))
    assert len(similar_cases(predictor, image, 100)) == len(read_neighbours(predictor.bundle).names)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=200), st.integers(1, 50))
def test_a_stratified_choice(labels: list[str], limit: int) -> None:
    chosen = stratified(labels, limit)
    assert len(chosen) == min(limit, len(labels))
    assert (np.diff(chosen) > 0).all()
    counts = Counter(labels[i] for i in chosen)
    for name, count in Counter(labels).items():
        assert abs(counts[name] - count * len(chosen) / len(labels)) <= 1


def test_too_large_for_half_precision_is_held(tmp_path: Path) -> None:
    hashes = write_neighbours(tmp_path, np.array([[1e9, -1e9, 0.5]], np.float32), ["a"], ["benign"])
    assert hashes == {name: sha256_file(tmp_path / name) for name in (EMBEDDINGS, NAMES)}
    from safetensors.numpy import load_file

    assert load_file(tmp_path / EMBEDDINGS)["embeddings"].tolist() == [[65504.0, -65504.0, 0.5]]


def test_a_bundle_of_before_says_so(altered: Altered, tiny_bundle: Path) -> None:
    hashes = {k: v for k, v in Bundle(tiny_bundle).manifest.hashes.items() if k not in (EMBEDDINGS, NAMES)}
    with pytest.raises(BundleError, match=r"does not remember its training images.*train again"):
        read_neighbours(Bundle(altered(hashes=hashes)))


def _remove(place: Path) -> None:
    place.unlink()


def _change(place: Path) -> None:
    place.write_bytes(place.read_bytes() + b" ")


@pytest.mark.parametrize("name", [EMBEDDINGS, NAMES])
@pytest.mark.parametrize("harm", [_remove, _change])
def test_files_that_are_missing_or_changed(
    tiny_bundle: Path, tmp_path: Path, name: str, harm: Callable[[Path], None]
) -> None:
    folder = shutil.copytree(tiny_bundle, tmp_path / "copy")
    harm(folder / name)
    bundle = Bundle(folder)  # it still predicts
    with pytest.raises(BundleError, match=name):
        read_neighbours(bundle)


@pytest.mark.parametrize("text", ["[]", "{}", '{"names": ["a"], "labels": ["b"]}', "nonsense", '{"names": 1}'])
def test_words_that_do_not_fit(tiny_bundle: Path, altered: Altered, text: str) -> None:
    from tests.inference.conftest import resign

    folder = altered()
    (folder / NAMES).write_text(text, encoding="utf-8")
    raw = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    raw["hashes"][NAMES] = sha256_file(folder / NAMES)
    (folder / "bundle.json").write_text(json.dumps(raw), encoding="utf-8")
    resign(folder)
    with pytest.raises(BundleError, match="cannot be read"):
        read_neighbours(Bundle(folder))
