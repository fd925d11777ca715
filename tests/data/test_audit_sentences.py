"""What is said of findings: nothing without words, in both languages, with the right numbers."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
from audit_makers import PROBE, SHORTCUT, VALUES, audit_of, collection_in, finding
from hypothesis import given
from hypothesis import strategies as st

from lince.data.audit import KINDS, kinds
from lince.data.audit.charts import telling_probes
from lince.data.audit.portuguese import PORTUGUESE
from lince.data.audit.sayings import ANSWERS, SAYINGS
from lince.data.audit.screen import COLUMNS, summary_lines
from lince.data.audit.telling import answer, fields, in_order, inside, shown_source, tell
from lince.data.audit.texts import FACTS, PARTS, PLACES, PROBED, RELATIONS, SEVERITY_WORDS, Wording

EN, PT = Wording("en"), Wording("pt")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wording", [EN, PT], ids=["en", "pt"])
def test_every_kind_is_told_whole_from_its_documented_values(kind: str, wording: Wording) -> None:
    told = tell(finding(kind), wording, source="photos")
    sentences = [told.title, told.line, *told.what, *told.do]
    assert told.what
    assert told.do
    assert all(sentence.strip() for sentence in sentences)
    assert not [sentence for sentence in sentences if re.search(r"[{}]|None", sentence)]
    assert not told.line.endswith(".")


def test_every_template_has_a_translation_with_the_same_values() -> None:
    english = {text for s in SAYINGS.values() for text in (s.title, s.line, *s.what, *s.do)} | set(ANSWERS.values())
    template = Path(str(kinds.__file__)).parent / "templates" / "audit.html"
    english |= set(re.findall(r'say\("((?:[^"\\]|\\.)*)"', template.read_text(encoding="utf-8")))
    tables = (FACTS, PARTS, PLACES, PROBED, RELATIONS, SEVERITY_WORDS)
    english |= set(chain.from_iterable(table.values() for table in tables))
    assert sorted(english - set(PORTUGUESE)) == []
    assert [text for text, other in PORTUGUESE.items() if fields(text) != fields(other)] == []


def test_numbers_agree_with_their_nouns_and_languages() -> None:
    template = "{n:# image|# images}"
    assert [EN.fill(template, {"n": n}) for n in (0, 1, 2)] == ["0 images", "1 image", "2 images"]
    assert EN.count(1234567) == "1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567"
    assert PT.fill("{auc:.2}", {"auc": 0.971}) == "0,97"
    assert [EN.percent(share) for share in (0, 0.0001, 0.005, 0.256, 0.996, 1)] == [
        "0%", "< 0.1%", "0.5%", "26%", "99.6%", "100%",
    ]  # fmt: skip
    assert PT.percent(0.005) == "0,5 %"
    assert [EN.quantity(value) for value in (0.01234, 12.345, 4000.0, 1)] == [
        "0.0123", "12.3", "4\N{NO-BREAK SPACE}000", "1",
    ]  # fmt: skip


@given(st.floats(0, 1))
def test_a_share_is_never_rounded_to_none_or_all(share: float) -> None:
    text = EN.percent(share)
    assert (text == "0%") == (share == 0)
    assert (text == "100%") == (share == 1)


def test_twins_are_told_for_the_test_part_first() -> None:
    told = tell(finding(kinds.DUPLICATES_ACROSS_SPLITS), EN, source="photos")
    assert "Of the 156 images of the part test, 39 (25%) have a copy in another part." in told.what
    assert any("`lince data split photos clean.csv --redraw`" in sentence for sentence in told.do)
    assert not [s for s in told.what if "exact" in s], "there is no exact copy to tell of"


def test_a_shortcut_is_worded_by_where_it_lies() -> None:
    told = {
        about: tell(finding(kinds.SHORTCUT, **SHORTCUT | {"about": about}), EN, source="x")
        for about in ("container", "frame", "content")
    }
    assert "PNG in 98% of malignant, in 3% of the others." in told["container"].what
    assert "not of disease" in " ".join(told["container"].what)
    assert "this may be real" in " ".join(told["content"].what)
    portuguese = tell(finding(kinds.SHORTCUT), PT, source="x")
    assert "PNG em 98% de malignant, em 3% das restantes." in portuguese.what
    yes = finding(kinds.SHORTCUT, fact="exif", detail="1 in 90 % of malignant, 2 % of the others")
    assert "present in 90% of malignant, in 2% of the others." in tell(yes, EN, source="x").what


def test_classes_missing_from_a_part_are_not_called_uneven() -> None:
    told = tell(finding(kinds.CLASS_BALANCE, ratio=1.2), EN, source="x")
    assert told.title == "Classes missing from a part"
    assert told.line == "No image in test: malignant"
    assert "10 to 1" in " ".join(tell(finding(kinds.CLASS_BALANCE), EN, source="x").what)


def test_commands_tell_nobodys_folders_or_passwords() -> None:
    assert shown_source("/home/maria/my photos") == "'my photos'"
    assert shown_source("photos/a") == "photos/a"
    assert shown_source("mongodb://maria:secret@host/db?target=type") == "'mongodb://host/db?target=type'"
    assert inside("/home/maria/a/b/c.png", "/home/maria/a") == "b/c.png"
    assert inside("/elsewhere/c.png", "/home/maria/a") == "c.png"


def test_shortcuts_of_one_place_are_one_story() -> None:
    facts = ("width", "height", "aspect", "area")
    shortcuts = [finding(kinds.SHORTCUT, fact=fact, auc=0.9 - k / 100) for k, fact in enumerate(facts)]
    other = finding(kinds.SHORTCUT, fact="border", about="frame")
    stories = in_order([finding(kinds.DUPLICATES), *shortcuts, other])
    assert [(first.kind, len(rest)) for first, rest in stories] == [
        (kinds.SHORTCUT, 3), (kinds.SHORTCUT, 0), (kinds.DUPLICATES, 0),
    ]  # fmt: skip
    told = tell(stories[0][0], EN, source="x")
    assert told.line == "The label shows in: image width, image height, width to height, … (AUC 0.90)"
    assert told.what[0].startswith("From this fact alone (image width),")


@pytest.mark.parametrize(
    ("severities", "expected"),
    [
        (("severe", "severe", "warning"), "Do not train on this yet: 2 severe findings"),
        (("warning", "note"), "Look before you train: 1 warning"),
        (("note",), "Nothing stands in the way of training"),
        ((), "Nothing stands in the way of training"),
    ],
)
def test_the_answer_follows_the_worst_finding(tmp_path: Path, severities: tuple[str, ...], expected: str) -> None:
    findings = [finding(kinds.DUPLICATES, severity=severity) for severity in severities]
    assert answer(audit_of(collection_in(tmp_path), *findings), EN) == expected


def test_the_summary_fits_a_screen_whatever_was_found(tmp_path: Path) -> None:
    collection = collection_in(tmp_path, labels=("x" * 90, "y" * 90))
    findings = [finding(kind) for kind in VALUES] + [finding(kinds.CONFLICTING_LABELS) for _ in range(5000)]
    findings += [finding(kinds.CLASS_BALANCE, largest="x" * 90, smallest="y" * 90)]
    for wording in (EN, PT):
        lines = summary_lines(audit_of(collection, *findings, synthetic=True), collection.labels, wording)
        assert len(lines) + 2 <= 23
        assert max(map(len, lines)) <= COLUMNS
    assert "SINTÉTICAS" in lines[0]
    assert lines[-2].strip() == "e mais 5 003"
    severe = [line for line in lines if line.startswith("GRAVE")]
    assert len(severe) == 14, "the worst come first, wherever they stood"


def test_a_summary_without_findings_says_so(tmp_path: Path) -> None:
    collection = collection_in(tmp_path)
    assert summary_lines(audit_of(collection), collection.labels, EN) == [
        "Clinic A: 8 images, 2 classes, looked at in 1.5 s",
        "Nothing stands in the way of training",
        "",
    ]


def test_only_telling_probes_are_shown() -> None:
    shown, more = telling_probes([replace(PROBE, fact=str(number)) for number in range(20)])
    assert ([probe.fact for probe in shown], more) == ([str(number) for number in range(12)], 8)
