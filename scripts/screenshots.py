"""Take the pictures of the documents: the page with a prediction, and the report.

    python scripts/screenshots.py BUNDLE SAMPLES [--out docs/images]

Nothing is trained here: BUNDLE is a folder that ``lince train`` or ``lince demo`` wrote, SAMPLES a folder of images
to try. It needs Chromium and the packages of the ``dev`` extra.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LARGEST = 400_000


def main() -> None:
    """Read the arguments and take every picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("samples", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, _serving(chosen.bundle, chosen.samples) as address:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=ARGUMENTS)
        _page(browser, address, "en-GB", chosen.out / "page.png")
        _page(browser, address, "pt-PT", chosen.out / "page.pt.png")
        _report(browser, chosen.bundle, chosen.out / "report.png")
        browser.close()


def _chromium() -> str:
    for name in ("chromium", "google-chrome", "chromium-browser"):
        if program := shutil.which(name):
            return program
    sys.exit("There is no Chromium on this machine (Debian: apt install chromium).")


@contextmanager
def _serving(bundle: Path, samples: Path) -> Iterator[str]:
    """The address of ``lince serve`` on a free port, until the block ends."""
    command = [str(Path(sys.executable).with_name("lince")), "serve", str(bundle), "--port", "0"]
    process = subprocess.Popen([*command, "--samples", str(samples)], stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        words = [word for word in line.split() if word.startswith("http://")]
        if not words:
            sys.exit("lince serve did not start.")
        yield words[0]
    finally:
        process.terminate()
        process.wait(20)


def _page(browser: Any, address: str, locale: str, target: Path) -> None:
    """The page after a sample with the positive class was chosen: verdict, bars and heat map."""
    page = browser.new_page(viewport={"width": 1280, "height": 1010}, locale=locale)
    page.goto(address)
    samples = page.locator("button.sample")
    # Samples are in order of class; the last is one of the last class.
    samples.last.click()
    page.locator(".result .verdict").first.wait_for()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)
    page.mouse.move(0, 0)
    page.evaluate("() => window.scrollTo(0, 0)")
    _save(page, target)


def _report(browser: Any, bundle: Path, target: Path) -> None:
    page = browser.new_page(viewport={"width": 1100, "height": 1250})
    page.goto((bundle / "report" / "report.html").resolve().as_uri())
    page.wait_for_timeout(300)
    _save(page, target)


def _save(page: Any, target: Path) -> None:
    """Write the picture; in 256 colours where it would be large otherwise."""
    page.screenshot(path=target)
    page.close()
    if target.stat().st_size > LARGEST:
        with Image.open(target) as picture:
            small = picture.convert("RGB").quantize(256)
        small.save(target, optimize=True)
    print(f"{target}: {target.stat().st_size // 1000} kB")
    if target.stat().st_size > LARGEST:
        sys.exit(f"{target} is over {LARGEST // 1000} kB.")


if __name__ == "__main__":
    main()
