"""``load``: which source a location is of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lince.core.errors import ConfigError, SourceError
from lince.data import load
from lince.data.sources import SOURCES, _parse, options_for


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("folder:photos", ("folder", "photos")),
        ("MedMNIST:breastmnist", ("medmnist", "breastmnist")),
        ("folder:C:\\photos", ("folder", "C:\\photos")),
        ("C:\\photos", (None, "C:\\photos")),
        ("d:/photos", (None, "d:/photos")),
        ("photos", (None, "photos")),
        ("./a:b", (None, "./a:b")),
    ],
)
def test_kind_and_location(text: str, parsed: tuple[str | None, str]) -> None:
    assert _parse(text) == parsed


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "No source was given"),
        ("folder:", "no location"),
        ("cloud:bucket", "This kind of source is not known"),
        ("https://example.org/a.zip", "not read from web addresses"),
        ("medmnist:nothing", "neither a MedMNIST name nor an .npz"),
        ("brestmnist", "the MedMNIST set breastmnist"),
    ],
)
def test_refusals(text: str, sentence: str) -> None:
    with pytest.raises(SourceError) as caught:
        load(text)
    assert sentence in str(caught.value)


def test_a_folder_whose_name_looks_like_a_kind(put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put("a/1.png", "b/1.png", root="odd:name")
    monkeypatch.chdir(folder.parent)
    assert len(load("odd:name")) == 2


def test_a_folder_named_as_a_medmnist_set_is_a_folder(
    put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = put("a/1.png", "b/1.png", root="breastmnist")
    monkeypatch.chdir(folder.parent)
    assert load("breastmnist").labels.names == ("a", "b")


def test_a_size_means_nothing_to_a_file_of_one_size(make_npz: Callable[..., Path]) -> None:
    place = make_npz()
    for source in (str(place), f"medmnist:{place}", str(place.with_name("BreastMNIST.NPZ"))):
        with pytest.raises(ConfigError, match=r"--size chooses a file .* \(received: 64\); leave it out"):
            load(source, size=64)
    # Options of one collection are passed on to another, which then does without.
    assert options_for(str(place), {"size": 64, "where": ("label=benign",)}) == {"where": ("label=benign",)}
    assert options_for("breastmnist", {"size": 64, "target": "type"}) == {"size": 64}


def test_a_collection_is_returned_as_it_is(put: Callable[..., Path]) -> None:
    collection = load(put("a/1.png", "b/1.png"))
    assert load(collection) is collection
    assert load(collection, positive="a").labels.positive == "a"


@pytest.mark.parametrize("page", ["docs/data.md", "docs/pt/data.md", None])
def test_every_kind_is_documented(page: str | None) -> None:
    text = load.__doc__ if page is None else (Path(__file__).parents[2] / page).read_text(encoding="utf-8")
    assert not [source.kind for source in SOURCES if f"`{source.kind}:" not in (text or "")]


def test_every_kind_is_listed_once_and_the_last_takes_anything() -> None:
    kinds = [source.kind for source in SOURCES]
    assert len(set(kinds)) == len(kinds)
    assert SOURCES[-1].recognises("anything at all")
