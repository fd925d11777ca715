"""The page in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import LIMIT, Site, png, site_of
from .fakes import FakePredictor

pytestmark = pytest.mark.browser

DROP = """
([name, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name));
  const target = document.getElementById("drop");
  for (const type of ["dragover", "drop"]) {
    target.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}
"""


Open = Callable[..., Any]


@pytest.fixture
def open_page(browser: Any, site: Site) -> Iterator[Open]:
    """Open the page; anything that the browser complains of fails the test."""
    contexts = []
    complaints: list[str] = []

    def open_it(address: str | None = None, **options: Any) -> Any:
        context = browser.new_context(**{"locale": "en-GB", **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda m: complaints.append(m.text) if m.type == "error" and "load resource" not in m.text else 0
        )
        page.goto(address or site.address)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


def choose(page: Any, *names: str, data: bytes | None = None) -> None:
    files = [{"name": n, "mimeType": "", "buffer": png(n) if data is None else data} for n in names]
    page.locator("#file").set_input_files(files)


def wait_for(page: Any, name: str) -> Any:
    page.locator(".result figcaption").get_by_text(name, exact=True).wait_for()
    return page.locator(".result").first


def test_choosing_a_file_shows_the_class_by_name(open_page: Open) -> None:
    page = open_page()
    choose(page, "scan.png")
    result = wait_for(page, "scan.png")
    assert result.locator(".verdict").inner_text().strip() == "malignant"
    assert result.locator(".slot-confidence").inner_text() == "91.0%"
    assert result.locator(".bar-name").all_inner_texts() == ["malignant", "benign"]
    assert result.locator(".bar-value").all_inner_texts() == ["91.0%", "9.0%"]
    full, filled = (result.locator(c).first.bounding_box()["width"] for c in (".track", ".fill"))
    assert filled / full == pytest.approx(0.91, abs=0.01)
    assert result.locator(".warning.low").is_hidden()
    assert result.locator(".by-threshold").is_hidden()
    assert page.locator("#status").inner_text() == "scan.png: malignant, confidence 91.0%"


def test_low_confidence_warns_and_the_operating_point_explains_itself(open_page: Open) -> None:
    page = open_page()
    choose(page, "threshold.png")
    result = wait_for(page, "threshold.png")
    assert "do not rely on it" in result.locator(".warning.low").inner_text()
    assert result.locator(".by-threshold").inner_text() == (
        "Called malignant because its probability, 34.0%, is over the operating point, 22.0%."
    )
    mark, track = (result.locator(".bar.decided " + c).bounding_box() for c in (".mark", ".track"))
    assert (mark["x"] + mark["width"] / 2 - track["x"]) / track["width"] == pytest.approx(0.22, abs=0.02)


def boxes(result: Any) -> list[str]:
    """The warnings that are shown, by their kind."""
    shown = result.locator(".warning:not([hidden])")
    return [box.get_attribute("class").removeprefix("warning ") for box in shown.all()]


def test_an_image_of_another_kind_gets_no_class(open_page: Open) -> None:
    page = open_page()
    choose(page, "strange.png")
    result = wait_for(page, "strange.png")
    assert result.locator(".verdict").inner_text().strip() == "No answer"
    assert boxes(result) == ["refused"]
    assert result.locator(".warning.refused").inner_text() == (
        "This is not the kind of image that the model knows. It is brighter than the training images."
    )
    hidden = (".bars", ".confidence", ".by-threshold", ".heat", ".opacity")
    assert not any(result.locator(part).is_visible() for part in hidden)
    assert "malignant" not in result.inner_text()
    assert page.locator("#status").inner_text() == "strange.png: not the kind of image that the model knows"
    choose(page, "scan.png")
    wait_for(page, "scan.png")
    assert page.locator(".card .slot-label").all_inner_texts() == ["No answer"]


@pytest.mark.parametrize(
    ("name", "expected", "words"),
    [
        ("unsure.png", ["unsure"], "Cannot tell: malignant or benign."),
        ("unsure-low.png", ["unsure"], "Cannot tell: malignant or benign."),
        ("many.png", ["unsure"], "Cannot tell: one of 5 classes, most likely malignant, benign, or cyst."),
        ("nofit.png", ["no-fit"], "No class fits well."),
        ("refer.png", ["refer"], "For a person to decide."),
        ("low.png", ["low"], "Low confidence"),
        ("scan.png", [], ""),
        ("blank-unsure.png", ["blank"], "This image shows nothing."),
    ],
)
def test_one_box_for_each_thing_to_know(open_page: Open, name: str, expected: list[str], words: str) -> None:
    page = open_page()
    choose(page, name)
    result = wait_for(page, name)
    assert boxes(result) == expected
    assert (result.locator(".over").inner_text() == "Most likely, but not certain") is ("unsure" in expected)
    assert words in " ".join(result.locator(".warning:not([hidden])").all_inner_texts())


def test_the_reason_is_told_in_the_language_of_the_page(open_page: Open) -> None:
    page = open_page(locale="pt-PT")
    choose(page, "strange.png")
    result = wait_for(page, "strange.png")
    assert "É mais clara do que as imagens de treino." in result.locator(".warning.refused").inner_text()
    choose(page, "unsure.png")
    assert "Não é possível dizer: maligno ou benigno." in wait_for(page, "unsure.png").locator(".unsure").inner_text()


def test_what_is_not_certain_is_not_called_certain(open_page: Open) -> None:
    page = open_page()
    choose(page, "certain.png")
    assert wait_for(page, "certain.png").locator(".bar-value").all_inner_texts() == ["> 99.9%", "< 0.1%"]


def test_dropping_a_file_and_clicking_a_sample(open_page: Open) -> None:
    page = open_page()
    page.evaluate(DROP, ["dropped-benign.png", list(png())])
    wait_for(page, "dropped-benign.png")
    page.get_by_role("button", name="threshold é 2.tif").click()
    result = wait_for(page, "threshold é 2.tif")
    size = result.locator(".picture").evaluate("image => [image.naturalWidth, image.naturalHeight]")
    assert size == [200, 120]
    assert page.locator(".card .slot-name").all_inner_texts() == ["dropped-benign.png"]


def test_the_slider_fades_the_heat_map_and_lies_over_the_image(open_page: Open) -> None:
    page = open_page()
    choose(page, "scan.png")
    result = wait_for(page, "scan.png")
    slider, heat = result.get_by_role("slider", name="Heat map"), result.locator(".heat")
    for value, opacity in (("0", 0.0), ("100", 1.0), ("35", 0.35)):
        slider.fill(value)
        assert heat.evaluate("image => Number(getComputedStyle(image).opacity)") == pytest.approx(opacity)
        assert result.locator("output").inner_text() == f"{value}%"
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.input_value() == "36"
    over, under = heat.bounding_box(), result.locator(".picture").bounding_box()
    assert over == pytest.approx(under, abs=1)


def test_languages_follow_the_browser_and_the_switch(open_page: Open) -> None:
    page = open_page(locale="pt-PT")
    assert page.locator("h1").inner_text() == "Classificar uma imagem"
    assert page.locator(".button").inner_text() == "Escolher um ficheiro"
    page.get_by_role("link", name="Português (BR)").click()
    page.wait_for_url("**/?lang=pt-BR")
    assert page.locator(".button").inner_text() == "Escolher um arquivo"
    page.goto(page.url.split("?")[0])
    choose(page, "threshold.png")
    result = wait_for(page, "threshold.png")
    assert re.split(r"\s+", result.locator(".verdict").inner_text().strip()) == ["maligno", "(malignant)"]
    assert result.locator(".slot-confidence").inner_text() == "34,0%"
    assert "está acima do ponto de operação, 22,0%" in result.locator(".by-threshold").inner_text()
    page.get_by_role("link", name="English").click()
    page.wait_for_url("**/?lang=en")
    assert page.locator("h1").inner_text() == "Classify an image"


def test_dicom_is_shown_although_browsers_cannot(open_page: Open) -> None:
    from pydicom.data import get_testdata_file

    page = open_page()
    path = get_testdata_file("CT_small.dcm", download=False)
    page.locator("#file").set_input_files(str(path))
    result = wait_for(page, "CT_small.dcm")
    assert result.locator(".picture").evaluate("image => image.naturalWidth") == 128


def test_errors_are_the_servers_sentence_and_the_rest_goes_on(open_page: Open) -> None:
    page = open_page(locale="pt-PT")
    page.locator("#file").set_input_files(
        [
            {"name": "notes.png", "mimeType": "image/png", "buffer": b"just words"},
            {"name": "benign.png", "mimeType": "image/png", "buffer": png()},
        ]
    )
    wait_for(page, "benign.png")
    error = page.locator(".error")
    assert error.locator("strong").inner_text() == "Não foi possível ler a imagem · notes.png"
    assert "notes.png" in error.locator("p").inner_text()
    assert error.locator("p").get_attribute("lang") == "en"
    error.get_by_role("button").click()
    assert page.locator(".error").count() == 0


def test_a_file_over_the_limit_is_not_even_sent(open_page: Open) -> None:
    page = open_page()
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    choose(page, "huge.png", data=bytes(LIMIT + 1))
    page.locator(".error").wait_for()
    assert page.locator(".error p").inner_text() == "It has 3 MB; at most 2 MB are taken."
    assert [address for address in sent if "/api/" in address] == []


def test_a_stopped_server_is_said_plainly(open_page: Open) -> None:
    page = open_page()
    page.route("**/api/v1/predictions*", lambda route: route.abort("connectionrefused"))
    choose(page, "scan.png")
    page.locator(".error").wait_for()
    assert "Is lince still running?" in page.locator(".error").inner_text()


def test_results_are_compared_reopened_removed_and_cleared(open_page: Open) -> None:
    page = open_page()
    choose(page, "benign-a.png", "low-b.png", "scan-c.png")
    wait_for(page, "scan-c.png")

    def shown() -> list[str]:
        return page.locator(".result figcaption").all_inner_texts()

    def kept() -> list[str]:
        return page.locator(".card .slot-name").all_inner_texts()

    assert (shown(), kept()) == (["scan-c.png"], ["low-b.png", "benign-a.png"])
    page.get_by_role("button", name="Compare").first.click()
    assert (shown(), kept()) == (["scan-c.png", "low-b.png"], ["benign-a.png"])
    page.get_by_role("button", name="Close").first.click()
    assert (shown(), kept()) == (["low-b.png"], ["scan-c.png", "benign-a.png"])
    page.locator(".card-open", has_text="benign-a.png").click()
    assert shown() == ["benign-a.png"]
    page.get_by_role("button", name="Remove").first.click()
    assert kept() == ["low-b.png"]
    page.get_by_role("button", name="Clear all").click()
    assert (shown(), page.locator("#earlier").is_hidden()) == ([], True)


def test_the_keyboard_alone_is_enough(open_page: Open) -> None:
    page = open_page()
    page.on("filechooser", lambda chooser: None)  # from now on choosers are caught; started later, the key may win
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "file":
            break
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([{"name": "scan.png", "mimeType": "image/png", "buffer": png()}])
    wait_for(page, "scan.png")
    assert page.evaluate("document.activeElement.classList.contains('result')")
    assert page.locator("#status").get_attribute("aria-live") == "polite"


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_sticks_out_at_any_width(open_page: Open, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 800})
    page.locator("#about summary").first.click()
    choose(page, "threshold-with-a-name-that-goes-on-and-on-without-a-single-space-to-break-it.png", "benign.png")
    wait_for(page, "benign.png")
    page.get_by_role("button", name="Compare").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    statement = page.locator(".bottom").bounding_box()
    assert statement["y"] + statement["height"] <= 800.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_meets_the_contrast_of_wcag_aa(open_page: Open, scheme: str) -> None:
    with site_of(FakePredictor(synthetic=True)) as synthetic:
        page = open_page(synthetic.address, color_scheme=scheme)
        choose(page, "notes.png", data=b"words")
        page.locator(".error").wait_for()
        page.evaluate("() => { window.kept = document.querySelector('.error'); }")
        choose(page, "threshold.png")
        wait_for(page, "threshold.png")
        page.evaluate("() => document.getElementById('errors').append(window.kept)")
        ratios = page.evaluate((Path(__file__).parent / "contrast.js").read_text(encoding="utf-8"))
    assert len(ratios) > 25
    assert [one for one in ratios if one["ratio"] < 4.5] == []


def test_without_javascript_there_is_a_message(open_page: Open) -> None:
    page = open_page(java_script_enabled=False)
    assert "needs JavaScript" in page.locator("main").inner_text()


def test_a_printed_result_keeps_the_statement_and_the_provenance(open_page: Open) -> None:
    page = open_page()
    choose(page, "scan.png")
    wait_for(page, "scan.png")
    page.emulate_media(media="print")
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".bottom").is_visible()
    assert page.locator(".result .slot-input").first.is_visible()
    assert page.locator(".intake").is_hidden()


def test_the_description_page_works_without_a_network(open_page: Open, site: Site) -> None:
    page = open_page(site.address + "/api/docs")
    page.get_by_role("link", name="PredictionAnswer").first.click()
    assert page.locator("#schema-PredictionAnswer").is_visible()
