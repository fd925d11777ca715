"""Class names of well-known collections, which the page shows in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable


def pgettext(_context: str, message: str) -> str:
    """Mark a message for extraction; it is translated where it is shown."""
    return message


CLASS_NAMES: frozenset[str] = frozenset(
    {
        pgettext("class", "abnormal"),
        pgettext("class", "adenosis"),
        pgettext("class", "bacteria"),
        pgettext("class", "bacterial pneumonia"),
        pgettext("class", "benign"),
        pgettext("class", "cancer"),
        pgettext("class", "covid"),
        pgettext("class", "ct"),
        pgettext("class", "ductal carcinoma"),
        pgettext("class", "fibroadenoma"),
        pgettext("class", "healthy"),
        pgettext("class", "lobular carcinoma"),
        pgettext("class", "malignant"),
        pgettext("class", "mr"),
        pgettext("class", "mucinous carcinoma"),
        pgettext("class", "negative"),
        pgettext("class", "normal"),
        pgettext("class", "normal, benign"),
        pgettext("class", "papillary carcinoma"),
        pgettext("class", "phyllodes tumor"),
        pgettext("class", "pneumonia"),
        pgettext("class", "positive"),
        pgettext("class", "tuberculosis"),
        pgettext("class", "tubular adenoma"),
        pgettext("class", "tumor"),
        pgettext("class", "viral pneumonia"),
        pgettext("class", "virus"),
    }
)


def class_key(name: str) -> str:
    """A class name as the catalogs know it: lower case, spaces for ``_`` and ``-``."""
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())


def known(names: Iterable[str]) -> dict[str, str]:
    """Those of the names that the catalogs may translate, with their key."""
    return {name: key for name in names if (key := class_key(name)) in CLASS_NAMES}
