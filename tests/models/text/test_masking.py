from __future__ import annotations

import pytest

from lince.models.text import hidden_terms, hide


@pytest.mark.parametrize(
    ("names", "text", "left"),
    [
        (("CT", "MR"), "Axial CT shows a mass", "Axial shows a mass"),
        (("CT", "MR"), "T1-weighted MRI; T2WI, FLAIR.", "- ; , ."),
        (("CT", "MR"), "Computed  tomography and magnetic resonance", "and"),
        (("CT", "MR"), "an act of contact", "an act of contact"),
        (("Abdomen", "Spine"), "ABDOMINAL wall, spinal canal", "wall, canal"),
        (("Head and Neck",), "and the head, necks", "and the ,"),
        (("Chest, Pulmonary",), "chest film, pulmonary oedema", "film, oedema"),
    ],
)
def test_words_that_name_a_class_are_hidden(names: tuple[str, ...], text: str, left: str) -> None:
    assert hide(text, hidden_terms(names)) == left


def test_without_terms_the_text_stays_as_it_is() -> None:
    assert hide("a  b", ()) == "a  b"


def test_terms_are_plain_and_sorted() -> None:
    terms = hidden_terms(("Eye and Orbit", "Brain"))
    assert terms == tuple(sorted(terms)) == ("brai*", "eye", "orbi*")
