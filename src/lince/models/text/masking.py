"""Words that give a class away, hidden from texts: what is left shows how much a caption knows beyond its label."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

# What captions call the classes of well-known label spaces; a star stands for any ending.
_SYNONYMS = {
    "ct": (
        "ct", "cta", "ctv", "cect", "ncct", "hrct", "mdct", "cat scan*", "computed", "computerized", "computerised",
        "tomogra*", "tomogram*", "hounsfield", "hu",
    ),
    "mr": (
        "mr", "mri", "mris", "mra", "mrv", "mrcp", "fmri", "magnetic", "resonance", "t1", "t1w*", "t2", "t2w*",
        "flair", "dwi", "adc", "stir", "gre", "swi", "fse", "weighted", "gadolinium", "gad", "diffusion", "spin",
        "echo", "sequence*",
    ),
}  # fmt: skip
_SYNONYMS["mri"] = _SYNONYMS["mr"]
_IRREGULAR = {"tooth": "teeth", "foot": "feet"}
_EMPTY_WORDS = frozenset({"and", "or", "of", "the", "in", "with", "on", "to", "e", "ou", "de", "da", "do", "com"})
# A longer word is hidden with other endings too: abdomen, abdominal.
_LONG, _SHORTER = 5, {5: 1, 6: 2}


def hidden_terms(names: Iterable[str]) -> tuple[str, ...]:
    """The terms that tell classes of these names, sorted: their words, with other endings, and known synonyms.

    A star at the end of a term stands for any ending.
    """
    found: set[str] = set()
    for name in names:
        words = [word for word in re.findall(r"\w+", name.casefold()) if word not in _EMPTY_WORDS]
        for word in words:
            found |= {_stem(word), _IRREGULAR.get(word, _stem(word))}
        found.update(_SYNONYMS.get(" ".join(words), ()))
    return tuple(sorted(found))


def _stem(word: str) -> str:
    if len(word) < _LONG:
        return word
    return word[: -_SHORTER.get(len(word), 2)] + "*"


def hide(text: str, terms: Sequence[str]) -> str:
    """The text without these terms, whatever their case.

    ``hide("CT of the abdominal wall", ("abdom*", "ct"))`` is ``"of the wall"``.
    """
    if not terms:
        return text
    return " ".join(_pattern(tuple(terms)).sub(" ", text).split())


@lru_cache(maxsize=16)
def _pattern(terms: tuple[str, ...]) -> re.Pattern[str]:
    parts = []
    for term in sorted(terms, key=len, reverse=True):
        body = r"[\s-]+".join(re.escape(word) for word in term.removesuffix("*").split())
        parts.append(body + (r"\w*" if term.endswith("*") else "s?"))
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)", re.IGNORECASE)
