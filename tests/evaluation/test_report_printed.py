"""The report on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.mark.browser
def test_it_fits_an_a4_page_and_no_picture_is_cut(browser: Any, tiny_bundle: Path) -> None:
    page = browser.new_page(viewport={"width": 688, "height": 1017})  # A4 less margins of 14 mm, at 96 dots an inch
    try:
        page.goto((tiny_bundle / "report" / "report.html").as_uri())
        page.emulate_media(media="print")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        tallest = page.evaluate(
            "Math.max(...[...document.querySelectorAll('img, svg')].map(e => e.getBoundingClientRect().height))"
        )
        printed = page.pdf(format="A4", prefer_css_page_size=True)
    finally:
        page.close()
    assert wide <= 0
    assert 0 < tallest < 1017
    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page\n") > 1
