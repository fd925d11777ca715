"""Texts of a collection in the order in which they answer a query: BM25 over weighted fields."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import log
from typing import final

from lince.core.errors import ConfigError
from lince.core.types import Sample
from lince.data.search.words import WORD, same_meaning, stem, terms

# BM25F (Robertson, Zaragoza & Taylor, 2004): how soon more of a word says no more, and how much long texts lose.
_SATURATION, _LENGTH = 1.2, 0.6
# A longer word that begins like the one sought counts as so much of it.
_PREFIX_SHARE, _PREFIX = 0.5, 4
# What is said of the image itself, or in few words, counts for more than a textbook's chapter on the disease.
_WEIGHTS = {
    "caption": 3.0, "label": 2.0, "title": 2.0, "diagnosis": 2.0, "findings": 2.0, "name": 2.0, "group": 2.0,
    "differential_diagnosis": 0.5, "discussion": 0.5, "disease_discussion": 0.3, "treatment": 0.5, "reference": 0.2,
    "external_links": 0.2,
}  # fmt: skip
# Letters of an excerpt, and of them before the first word that matches.
_EXCERPT, _BEFORE = 110, 30


@final
@dataclass(frozen=True, slots=True)
class TextHit:
    """A sample whose text has words of a query.

    Attributes
    ----------
    row
        Its position among the samples.
    score
        0 to 1: the share of the query that is found, rare words counting for more.
    field
        Where the best match stands: an attribute, ``label``, ``name`` or ``group``.
    excerpt
        The text around it, each matching word in brackets.
    words
        The words of the query that are found somewhere in the texts of this sample.
    """

    row: int
    score: float
    field: str
    excerpt: str
    words: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class TextFound:
    """Hits, the best first; words of the query that stand nowhere; whether there was more to read than names."""

    hits: tuple[TextHit, ...]
    unknown: tuple[str, ...]
    has_text: bool


@dataclass(slots=True)
class _Text:
    """One text: how much of each term is in it, and where."""

    letters: int
    amounts: dict[int, float] = field(default_factory=dict)
    places: list[tuple[int, int, int]] = field(default_factory=list)


def search_text(samples: Sequence[Sample], query: str) -> TextFound:
    """Find samples by words in their attributes, labels, names and groups.

    Accents, case and endings do not count, and common medical words are found in English and in Portuguese. A sample
    needs one of the words; those with more of them, and with rarer ones, come first. All texts are read each time,
    each distinct text once: about a million words a second.

    Parameters
    ----------
    samples
        In any order; equal scores keep it.
    query
        Words.

    Raises
    ------
    ConfigError
        There is no word in the query.
    """
    sought = terms(query)
    if not sought:
        raise ConfigError(
            "There is no word to search for", received=repr(query), fix='give words, such as "pleural effusion"'
        )
    reader = _Reader(sought)
    read = [[(name, text, reader.read(text)) for name, text in texts(sample)] for sample in samples]
    lengths = _average_lengths(read)
    amounts = [_amounts(fields, lengths) for fields in read]
    rarity = _rarity(amounts, len(sought))
    whole = sum(rarity)
    hits = []
    for row, own in enumerate(amounts):
        gains = {term: rarity[term] * amount / (_SATURATION + amount) for term, amount in own.items()}
        if gains:
            name, text, best = max(read[row], key=lambda one: _gain(one, rarity))
            words = tuple(sought[term] for term in sorted(gains))
            # Twice the share that is found: who gives two words wants both, not one of them often.
            score = sum(gains.values()) / whole * sum(rarity[term] for term in gains) / whole
            hits.append(TextHit(row, score, name, _excerpt(text, best, rarity), words))
    hits.sort(key=lambda hit: -hit.score)
    known = {term for own in amounts for term in own}
    unknown = tuple(word for term, word in enumerate(sought) if term not in known)
    has_text = any(name not in ("label", "name", "group") for fields in read for name, _, _ in fields)
    return TextFound(tuple(hits), unknown, has_text)


def texts(sample: Sample) -> Iterator[tuple[str, str]]:
    """What is written about a sample, by field: attributes that are text, then label, name and group."""
    for name, value in sample.attributes.items():
        if isinstance(value, str) and value:
            yield name, value
    yield "label", sample.label
    yield "name", sample.name
    if sample.group is not None:
        yield "group", sample.group


class _Reader:
    """Finds the words sought in texts; each distinct text and word is looked at once."""

    def __init__(self, sought: Sequence[str]) -> None:
        self._stems = [same_meaning(word) for word in sought]
        self._own = [stem(word) for word in sought]
        self._words: dict[str, dict[int, float]] = {}
        self._texts: dict[str, _Text] = {}

    def read(self, text: str) -> _Text:
        known = self._texts.get(text)
        if known is None:
            known = self._texts[text] = self._look(unicodedata.normalize("NFC", text))
        return known

    def _look(self, text: str) -> _Text:
        found = _Text(len(text))
        for match in WORD.finditer(text):
            for term, amount in self._matches(match[0]).items():
                found.amounts[term] = found.amounts.get(term, 0.0) + amount
                found.places.append((match.start(), match.end(), term))
        return found

    def _matches(self, word: str) -> dict[int, float]:
        """Terms that a word is, or begins with, and how much it counts."""
        known = self._words.get(word)
        if known is None:
            own = stem(word)
            known = {term: 1.0 for term, stems in enumerate(self._stems) if own in stems}
            for term, start in enumerate(self._own):
                if term not in known and len(start) >= _PREFIX and own.startswith(start):
                    known[term] = _PREFIX_SHARE
            self._words[word] = known
        return known


_Field = tuple[str, str, _Text]


def _average_lengths(read: Iterable[Sequence[_Field]]) -> dict[str, float]:
    total: dict[str, int] = defaultdict(int)
    count: dict[str, int] = defaultdict(int)
    for fields in read:
        for name, _, text in fields:
            total[name] += text.letters
            count[name] += 1
    return {name: max(1.0, total[name] / count[name]) for name in total}


def _amounts(fields: Sequence[_Field], lengths: dict[str, float]) -> dict[int, float]:
    """How much of each term a sample has, over its fields by their weights and lengths."""
    found: dict[int, float] = {}
    for name, _, text in fields:
        for term, amount in text.amounts.items():
            long = 1 - _LENGTH + _LENGTH * text.letters / lengths[name]
            found[term] = found.get(term, 0.0) + _WEIGHTS.get(name, 1.0) * amount / long
    return found


def _rarity(amounts: Sequence[dict[int, float]], count: int) -> list[float]:
    """What each term is worth: more where fewer samples have it."""
    having = [0] * count
    for own in amounts:
        for term in own:
            having[term] += 1
    return [log(1 + (len(amounts) - one + 0.5) / (one + 0.5)) for one in having]


def _gain(one: _Field, rarity: Sequence[float]) -> float:
    """What a field alone contributes, to tell which one to show."""
    name, _, text = one
    weight = _WEIGHTS.get(name, 1.0)
    return sum(
        rarity[term] * weight * amount / (_SATURATION + weight * amount) for term, amount in text.amounts.items()
    )


def _excerpt(text: str, read: _Text, rarity: Sequence[float]) -> str:
    """The part of a text that has the most of the query, on one line, with brackets around words that match."""
    text = unicodedata.normalize("NFC", text)

    def worth(first: int) -> float:
        inside = {term for start, end, term in read.places if first <= start and end <= first + _EXCERPT - _BEFORE}
        return sum(rarity[term] for term in inside)

    anchor = max((start for start, _, _ in read.places), key=lambda start: (worth(start), -start))
    start, end = max(0, anchor - _BEFORE), min(len(text), anchor + _EXCERPT - _BEFORE)
    if start:
        start = text.find(" ", start, anchor) + 1 or start
    if end < len(text):
        end = max(text.rfind(" ", anchor, end), max(stop for at, stop, _ in read.places if at == anchor))
    marked, done = "", start
    for first, last in sorted({(first, last) for first, last, _ in read.places if start <= first and last <= end}):
        marked += f"{text[done:first]}[{text[first:last]}]"
        done = last
    marked += text[done:end]
    return f"{'…' if start else ''}{' '.join(marked.split())}{'…' if end < len(text) else ''}"
