"""The page and the JSON file: whole, safe, self-contained, and about no one's folders."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from audit_makers import COPY, PROBE, VALUES, audit_of, collection_in, finding
from PIL import Image

from lince.core.errors import OutputError
from lince.core.types import Sample, Skipped
from lince.data import Collection
from lince.data.audit import Evidence, Finding, kinds, page
from lince.data.audit.report import DATA, PAGE, as_json, check_place, default_out, write_audit

FACTS = {
    "attributes": {
        "age": {"benign": {"quartiles": [40.0, 50.5, 61.0]}, "malignant": {"quartiles": [50.0, 60.0, 70.0]}}
    },
    "histograms": {
        "mean": {"counts": [1, 3], "edges": [10.0, 20.0, 30.0], "by_class": {"benign": [1, 0], "malignant": [0, 3]}}
    },
}


class Reader(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(data.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def read(data: bytes) -> Reader:
    return Reader(data)


@pytest.mark.parametrize("language", ["en", "pt"])
def test_a_page_with_every_kind_stands_alone(tmp_path: Path, language: page.Language) -> None:
    collection = collection_in(tmp_path / "a")
    audit = audit_of(collection, *(finding(kind) for kind in VALUES), probes=(PROBE,), facts=FACTS)
    seen = read(page.html(audit, collection, against=collection_in(tmp_path / "b"), language=language))
    assert seen.all("html")[0]["lang"] == language
    assert len([a for a in seen.all("section") if a.get("class") == "finding"]) == len(VALUES)
    assert all(str(image["src"]).startswith("data:image/") and image["alt"] for image in seen.all("img"))
    assert not seen.all("script") + seen.all("link")
    assert all(str(link["href"]).startswith("#") for link in seen.all("a"))
    assert {str(link["href"])[1:] for link in seen.all("a")} == {a["id"] for a in seen.all("section") if "id" in a}
    assert str(tmp_path) not in seen.text
    levels = [int(tag[1]) for tag, _ in seen.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_worst_comes_first_and_pictures_stand_side_by_side(tmp_path: Path) -> None:
    collection = collection_in(tmp_path)
    audit = audit_of(collection, finding(kinds.DUPLICATES), finding(kinds.CONFLICTING_LABELS, members=(0, 4)))
    seen = read(page.html(audit, collection))
    assert seen.text.index("different labels") < seen.text.index("Copies within")
    assert [image["alt"] for image in seen.all("img")][:2] == ["0.png, benign", "0.png, malignant"]
    assert "similarity 0.93" in seen.text


def test_names_cannot_become_markup(tmp_path: Path) -> None:
    bad = "<script>alert(1)</script>"
    collection = collection_in(tmp_path)
    samples = [Sample(s.path, bad, bad, s.split) if s.label == "benign" else s for s in collection.samples]
    labels = collection.labels.__class__((bad, "malignant"), bad)
    hostile = Collection(bad, tuple(samples), labels, collection.source)
    findings = [finding(kinds.CONFLICTING_LABELS, labels={f"{bad} / malignant": 1})]
    findings += [finding(kinds.CLASS_BALANCE, largest=bad, counts={bad: 9, "malignant": 1})]
    seen = read(page.html(audit_of(hostile, *findings, probes=(PROBE,)), hostile))
    assert not seen.all("script")
    assert seen.text.count(bad) >= 5


def test_bytes_that_are_no_text_do_not_stop_the_page(tmp_path: Path) -> None:
    collection = collection_in(tmp_path)
    first = collection.samples[0]
    odd = Sample(first.path, "benign", "patient\udcff", "train")
    collection = Collection("odd", (odd, *collection.samples[1:]), collection.labels, collection.source)
    write_audit(tmp_path / "out", audit_of(collection, finding(kinds.DUPLICATES)), collection)
    assert "\\udcff" in (tmp_path / "out" / PAGE).read_text(encoding="utf-8")
    assert "\\\\udcff" in (tmp_path / "out" / DATA).read_text(encoding="utf-8")


def test_text_in_the_picture_has_a_box_around_it(tmp_path: Path) -> None:
    collection = collection_in(tmp_path)
    seen = read(page.html(audit_of(collection, finding(kinds.BURNED_IN_TEXT, members=(0,))), collection))
    (box,) = [a for a in seen.all("span") if a.get("class") == "box"]
    assert box["style"] == "top: 10.00%; left: 25.00%; width: 50.00%; height: 10.00%"


def test_synthetic_images_are_called_so(tmp_path: Path) -> None:
    collection = collection_in(tmp_path)
    assert "SYNTHETIC" in read(page.html(audit_of(collection, synthetic=True), collection)).text
    assert "SYNTHETIC" not in read(page.html(audit_of(collection), collection)).text


def test_a_page_without_findings_says_that_nothing_is_wrong(tmp_path: Path) -> None:
    collection = collection_in(tmp_path)
    text = read(page.html(audit_of(collection), collection)).text
    assert "Nothing stands in the way of training" in text
    assert "What to do" not in text


def test_thousands_of_findings_stay_a_page(tmp_path: Path) -> None:
    collection = collection_in(tmp_path)
    many = Finding(kinds.CONFLICTING_LABELS, "severe", 10_000, {"cases": 5000, "labels": {"benign / malignant": 5000}},
                   (Evidence((0, 4), COPY),) * 60, 5000)  # fmt: skip
    data = page.html(audit_of(collection, many, *(finding(kinds.BLANK) for _ in range(200))), collection)
    seen = read(data)
    assert "The first 24 of 5\N{NO-BREAK SPACE}000; audit.json has more." in seen.text
    assert len(seen.all("img")) == 48 + 3 * 2, "pictures for the first few of a kind"
    assert len(data) < 1_000_000


def test_shortcuts_of_one_place_share_a_section_with_a_row_each(tmp_path: Path) -> None:
    collection = collection_in(tmp_path)
    shortcuts = [finding(kinds.SHORTCUT, fact=fact) for fact in ("width", "height")]
    seen = read(page.html(audit_of(collection, *shortcuts), collection))
    assert "Do not train on this yet: 1 severe finding" in seen.text
    assert len([a for a in seen.all("section") if a.get("class") == "finding"]) == 1
    assert len(seen.all("svg")) == 2


def test_of_a_large_case_those_are_shown_that_differ(tmp_path: Path) -> None:
    collection = collection_in(tmp_path, each=9)
    case = Finding(kinds.CONFLICTING_LABELS, "severe", 18, {"cases": 1}, (Evidence(tuple(range(18)), COPY),), 1)
    seen = read(page.html(audit_of(collection, case), collection))
    assert "14 more images" in seen.text
    alike = [Sample(s.path, s.label, None, "train") for s in collection.samples]
    plain = Collection("plain", tuple(alike), collection.labels, collection.source)
    seen = read(page.html(audit_of(plain, case), plain))
    assert {str(image["alt"]).split(", ")[1] for image in seen.all("img")} == {"benign", "malignant"}


def test_an_unreadable_image_leaves_a_gap_not_an_error(tmp_path: Path) -> None:
    collection = collection_in(tmp_path)
    Path(collection.samples[0].path).write_text("no image", encoding="utf-8")
    seen = read(page.html(audit_of(collection, finding(kinds.DUPLICATES)), collection))
    assert "no picture" in seen.text
    assert len(seen.all("img")) == 1


def test_deep_images_are_stretched_and_rows_of_arrays_shown(tmp_path: Path) -> None:
    deep = np.zeros((2, 12, 12), np.uint16)
    deep[:, 3:9, 3:9] = 4095
    np.save(tmp_path / "deep.npy", deep)
    samples = [Sample(str(tmp_path / "deep.npy"), label, row=row) for row, label in enumerate(("a", "b"))]
    collection = Collection("deep", tuple(samples), collection_in(tmp_path / "x", labels=("a", "b")).labels, "deep.npz")
    same = Finding(kinds.DUPLICATES, "note", 2, VALUES[kinds.DUPLICATES][1],
                   (Evidence((0, 1), COPY | {"relation": "file"}),), 1)  # fmt: skip
    seen = read(page.html(audit_of(collection, same), collection))
    assert "same pixels" in seen.text
    uri = str(seen.all("img")[0]["src"])
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as image:
        assert np.asarray(image).max() == 255


def test_the_json_names_every_image_inside_its_collection(tmp_path: Path) -> None:
    here, there = collection_in(tmp_path / "a"), collection_in(tmp_path / "b")
    here = Collection(
        here.name, here.samples, here.labels, here.source, skipped=(Skipped(f"{here.source}/m.png", "mask"),)
    )
    facts = FACTS | {"odd": np.float32(1.5), "nan": float("nan")}
    audit = audit_of(here, *(finding(kind) for kind in VALUES), probes=(PROBE,), facts=facts)
    told = json.loads(json.dumps(as_json(audit, here, against=there, created="now"), allow_nan=False))
    assert str(tmp_path) not in json.dumps(told)
    assert "/home/maria" not in json.dumps(told)
    by_kind = {entry["kind"]: entry for entry in told["findings"]}
    assert set(by_kind) == set(VALUES)
    (case,) = by_kind[kinds.CONFLICTING_LABELS]["evidence"]
    assert case["images"][0] == {"image": "benign/0.png", "label": "benign", "group": "patient0", "split": "train"}
    (case,) = by_kind[kinds.DUPLICATES_ACROSS_COLLECTIONS]["evidence"]
    assert case["theirs"][0]["image"] == "benign/0.png"
    assert (told["facts"]["odd"], told["facts"]["nan"]) == (1.5, None)
    assert told["skipped"] == [{"path": "m.png", "reason": "mask"}]
    assert told["probes"][0]["low"] == 0.93


def test_an_earlier_audit_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    collection = collection_in(tmp_path / "a")
    out = tmp_path / "out"
    write_audit(out, audit_of(collection, finding(kinds.BLANK, members=(0,))), collection)
    write_audit(out, audit_of(collection), collection)
    assert json.loads((out / DATA).read_text(encoding="utf-8"))["findings"] == []
    assert "Nothing stands" in (out / PAGE).read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "out"]
    (out / "thesis.docx").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="something other than an audit"):
        write_audit(out, audit_of(collection), collection)
    with pytest.raises(OutputError, match="a file, not a folder"):
        check_place(out / "thesis.docx")
    assert (out / "thesis.docx").read_text(encoding="utf-8") == "mine"


def test_the_default_folder_has_a_name_for_any_system() -> None:
    assert default_out("Clínica A / 2024") == Path("audit") / "clínica-a-2024"
    assert default_out("..") == Path("audit") / "collection"
