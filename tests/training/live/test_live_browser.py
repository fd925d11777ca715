"""The page in a real browser, during a training and after it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lince.core.events import EventBus
from lince.training.live import live_page
from lince.training.run import train

from .runs import QUICK, Watched, watched_training

pytestmark = pytest.mark.browser

Open = Callable[..., Any]
HOSTILE = ("<img src=x onerror=alert(1)>", "<script>")


@pytest.fixture
def open_page(browser: Any) -> Iterator[Open]:
    """Open a page; anything that the browser complains of, or that leaves this computer, fails the test."""
    contexts, complaints = [], []

    def open_it(address: str, **options: Any) -> Any:
        context = browser.new_context(**{"locale": "en-GB", **options})
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("console", lambda m: complaints.append(m.text) if "Content Security" in m.text else None)
        page.on(
            "request", lambda r: complaints.append(r.url) if not r.url.startswith((address, "blob:", "data:")) else 0
        )
        page.goto(address)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


def until(page: Any, condition: str) -> None:
    """Wait for a condition; Playwright's own way of waiting is refused by the page's content policy."""
    deadline = time.monotonic() + 15
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(50)


@pytest.fixture(scope="module")
def watched(tiny_images: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watched_training(tiny_images, tmp_path_factory.mktemp("live") / "bundle") as found:
        yield found


def test_curves_panels_and_images_are_drawn(open_page: Open, watched: Watched) -> None:
    page = open_page(watched.page.address)
    page.locator("#epoch", has_text="2").wait_for()
    assert page.locator("#status").inner_text() == "In training"
    assert page.locator("h1").inner_text() == "breast-ultrasound phantoms"
    assert page.locator("#synthetic").is_visible()
    for chart, curves in (("#loss", 2), ("#auc", 1), ("#rate", 1)):
        drawn = page.locator(f"{chart} path[stroke-linejoin]")
        assert drawn.count() == curves
        assert "L" in drawn.first.get_attribute("d")
    assert page.locator("#roc h3").inner_text() == "ROC curve"
    assert page.locator("#matrix tbody th").all_inner_texts() == ["benign", "malignant"]
    shots = page.locator(".shot")
    assert shots.count() >= 2
    until(page, "[...document.querySelectorAll('.frame img')].every(i => i.complete && i.naturalWidth > 0)")
    assert "%" in shots.first.locator(".verdict").inner_text()
    assert page.locator("#plan li").count() >= 3


def test_folds_are_told_as_folds_and_card_and_panel_name_one_epoch(
    open_page: Open, tiny_images: Path, tmp_path: Path
) -> None:
    with watched_training(tiny_images, tmp_path / "bundle", folds=2) as watched:
        page = open_page(watched.page.address)
        page.locator("#epoch", has_text="2").wait_for()
        assert "images in 2 folds, each held out once" in page.locator("#plan").inner_text()
        best = page.locator("#best-when").inner_text()
        assert best.endswith("of train, fold 1")
        assert f"After {best}" in page.locator("#validation-when").inner_text()
        watched.finish()


def test_a_reload_shows_the_same_again(open_page: Open, watched: Watched) -> None:
    page = open_page(watched.page.address)
    page.locator("#loss path[stroke-linejoin]").first.wait_for()
    before = page.locator("#loss path[stroke-linejoin]").first.get_attribute("d")
    page.reload()
    page.locator("#loss path[stroke-linejoin]").first.wait_for()
    assert page.locator("#loss path[stroke-linejoin]").first.get_attribute("d") == before


def test_pointing_at_a_curve_tells_its_values(open_page: Open, watched: Watched) -> None:
    page = open_page(watched.page.address)
    page.locator("#loss svg").wait_for()
    box = page.locator("#loss svg").bounding_box()
    page.mouse.move(box["x"] + box["width"] - 12, box["y"] + 80)
    assert page.locator("#loss .key").last.inner_text().endswith("epoch 2")
    page.mouse.move(0, 0)
    assert page.locator("#loss .key").all_inner_texts() == ["training", "validation"]


def test_the_slider_fades_the_heat_maps(open_page: Open, watched: Watched) -> None:
    page = open_page(watched.page.address)
    page.locator(".heat").first.wait_for()
    page.get_by_role("slider", name="Heat map").fill("20")
    assert page.locator(".heat").first.evaluate("e => Number(getComputedStyle(e).opacity)") == pytest.approx(0.2)


def test_portuguese_has_its_words_and_its_comma(open_page: Open, watched: Watched) -> None:
    page = open_page(watched.page.address, locale="pt-PT")
    page.locator("#epoch", has_text="2").wait_for()
    assert page.locator("#status").inner_text() == "Em treino"
    assert page.locator("#best").inner_text().replace("1,000", "0,999").startswith("0,")
    assert "Verdade: benign" in page.locator(".shot .truth").first.inner_text()


@pytest.mark.parametrize("width", [320, 390, 768, 1360])
def test_nothing_sticks_out_at_any_width(open_page: Open, watched: Watched, width: int) -> None:
    page = open_page(watched.page.address, viewport={"width": width, "height": 800})
    page.locator("#matrix table").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_text_meets_the_contrast_of_wcag_aa(open_page: Open, watched: Watched) -> None:
    page = open_page(watched.page.address)
    page.locator(".verdict").first.wait_for()
    script = Path(__file__).parents[2] / "serving" / "contrast.js"
    ratios = page.evaluate(script.read_text(encoding="utf-8"))
    assert len(ratios) > 40
    assert [one for one in ratios if one["ratio"] < 4.5] == []


def test_without_javascript_there_is_a_message(open_page: Open, watched: Watched) -> None:
    page = open_page(watched.page.address, java_script_enabled=False)
    assert "needs JavaScript" in page.locator("main").inner_text()


def test_names_are_text_and_the_report_outlives_the_training(
    open_page: Open, tiny_images: Path, tmp_path: Path
) -> None:
    source = tmp_path / "<b>set"
    for name, of in zip(HOSTILE, ("benign", "malignant"), strict=True):
        shutil.copytree(tiny_images / of, source / name)
    bus = EventBus()
    with live_page(bus, 0) as live:
        page = open_page(live.address)
        train(source, out=tmp_path / "a", bus=bus, **QUICK)
        page.locator("#status", has_text="Finished").wait_for()
        assert page.locator("h1").inner_text() == "<b>set"
        assert set(page.locator("#matrix tbody th").all_inner_texts()) == set(HOSTILE)
        assert page.locator("#figures tr").count() >= 5
        assert page.locator("#figures b").first.inner_text()[:2] in ("0.", "1.")
        until(page, "performance.getEntriesByName(location.origin + '/report').length > 0")
        live.say_goodbye()
    page.locator("#report[href^='blob:']").wait_for()
    assert "lince has ended" in page.locator("#now").inner_text()
    assert page.locator("#status").inner_text() == "Finished"
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open the report").click()
    opened.value.wait_for_load_state()
    assert "AUC" in opened.value.locator("body").inner_text()
