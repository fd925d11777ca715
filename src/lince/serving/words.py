"""What answers say in words: class names of well-known collections, and why an image was refused."""

from __future__ import annotations

from collections.abc import Iterable


def pgettext(_context: str, message: str) -> str:
    """Mark a message for extraction; it is translated where it is shown."""
    return message


def gettext(message: str) -> str:
    """Mark a message for extraction; it is translated where it is shown."""
    return message


REASONS: frozenset[str] = frozenset(
    {
        gettext("It is darker than the training images."),
        gettext("It is brighter than the training images."),
        gettext("It has less contrast than the training images."),
        gettext("It has more contrast than the training images."),
        gettext("Less of it is black than in the training images."),
        gettext("More of it is black than in the training images."),
        gettext("Less of it is white than in the training images."),
        gettext("More of it is white than in the training images."),
        gettext("Its darkest parts are darker than usual."),
        gettext("Its darkest parts are brighter than usual."),
        gettext("Its brightest parts are darker than usual."),
        gettext("Its brightest parts are brighter than usual."),
        gettext("It has fewer edges than the training images."),
        gettext("It has more edges than the training images."),
        gettext("It is smoother than the training images."),
        gettext("It has a grain that the training images do not have."),
        gettext("It has less fine detail than the training images."),
        gettext("It has more fine detail than the training images."),
        gettext("Fewer of its areas are empty than usual."),
        gettext("More of its areas are empty than usual."),
        gettext("Its left and right sides are more alike than usual."),
        gettext("Its left and right sides differ more than usual."),
        gettext("It has less colour than the training images."),
        gettext("It has more colour than the training images."),
        gettext("What it shows is unlike the training images."),
    }
)

CLASS_NAMES: frozenset[str] = frozenset(
    {
        pgettext("class", "abdomen"),
        pgettext("class", "abnormal"),
        pgettext("class", "adenosis"),
        pgettext("class", "bacteria"),
        pgettext("class", "bacterial pneumonia"),
        pgettext("class", "benign"),
        pgettext("class", "brain and neuro"),
        pgettext("class", "breast and mammography"),
        pgettext("class", "cancer"),
        pgettext("class", "cardiovascular"),
        pgettext("class", "chest, pulmonary"),
        pgettext("class", "covid"),
        pgettext("class", "ct"),
        pgettext("class", "dental, oral, or tooth"),
        pgettext("class", "ductal carcinoma"),
        pgettext("class", "endocrine"),
        pgettext("class", "eye and orbit"),
        pgettext("class", "fibroadenoma"),
        pgettext("class", "gastrointestinal"),
        pgettext("class", "generalized"),
        pgettext("class", "genitourinary"),
        pgettext("class", "head and neck"),
        pgettext("class", "healthy"),
        pgettext("class", "hematopoietic"),
        pgettext("class", "lobular carcinoma"),
        pgettext("class", "malignant"),
        pgettext("class", "mr"),
        pgettext("class", "mucinous carcinoma"),
        pgettext("class", "musculoskeletal"),
        pgettext("class", "negative"),
        pgettext("class", "nerve, central"),
        pgettext("class", "nerve, peripheral"),
        pgettext("class", "normal"),
        pgettext("class", "normal, benign"),
        pgettext("class", "ophthalmology"),
        pgettext("class", "papillary carcinoma"),
        pgettext("class", "pathology"),
        pgettext("class", "phyllodes tumor"),
        pgettext("class", "pneumonia"),
        pgettext("class", "positive"),
        pgettext("class", "spine"),
        pgettext("class", "tuberculosis"),
        pgettext("class", "tubular adenoma"),
        pgettext("class", "tumor"),
        pgettext("class", "vascular"),
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
