"""Captions through the REST interface and on the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Site, png, site_of
from .fakes import FakePredictor

PATH = "/api/v1/predictions"


@pytest.fixture(scope="module")
def reader() -> Iterator[Site]:
    predictor = FakePredictor()
    predictor.reads_text = True
    with site_of(predictor) as found:
        yield found


def test_a_caption_goes_beside_the_image(reader: Site) -> None:
    form = {"file": ("scan.png", png()), "caption": (None, " a  nodule ")}
    body = reader.client.post(PATH, files=form, params={"explain": True}).json()
    assert body["inputs"] == ["image", "caption"]
    assert body["words"] == [{"word": "nodule", "weight": 1.2}, {"word": "no", "weight": -0.4}]
    assert body["preview"].startswith("data:image/")
    assert body["heat_map"].startswith("data:image/png")


def test_a_caption_alone_is_an_answer_without_pictures(reader: Site) -> None:
    reply = reader.client.post(PATH, files={"caption": (None, "a nodule")}, params={"explain": True})
    assert reply.status_code == 200
    body = reply.json()
    assert (body["name"], body["inputs"]) == ("caption", ["caption"])
    assert body["preview"] is body["heat_map"] is None
    assert reader.client.post(PATH, files={"caption": (None, "a nodule")}).json()["words"] is None


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"caption": (None, "  ")}, "caption is empty"),
        ({"caption": (None, "...")}, "no words"),
        ({"caption": (None, "x" * 5001)}, "too long"),
    ],
)
def test_a_caption_that_says_nothing_is_refused(reader: Site, form: dict[str, tuple[None, str]], said: str) -> None:
    reply = reader.client.post(PATH, files=form)
    assert reply.status_code == 422
    assert said in reply.json()["detail"]


def test_a_caption_in_the_address_goes_with_an_image_as_the_body(reader: Site) -> None:
    whole = {"content": png(), "headers": {"Content-Type": "image/png"}}
    body = reader.client.post(PATH, params={"caption": "a nodule"}, **whole).json()
    assert body["inputs"] == ["image", "caption"]
    assert reader.client.post(PATH, params={"caption": "a nodule"}).json()["inputs"] == ["caption"]
    form = {"file": ("scan.png", png()), "caption": (None, "a nodule")}
    twice = reader.client.post(PATH, files=form, params={"caption": "another"})
    assert twice.status_code == 422
    assert "one caption" in twice.json()["detail"]


def test_a_model_of_images_takes_no_caption(site: Site) -> None:
    for form in ({"caption": (None, "a nodule")}, {"file": ("scan.png", png()), "caption": (None, "a nodule")}):
        reply = site.client.post(PATH, files=form)
        assert reply.status_code == 422
        assert "reads no caption" in reply.json()["detail"]


def test_a_web_form_without_a_file_is_a_caption_alone(reader: Site) -> None:
    head = 'Content-Disposition: form-data; name="file"; filename=""\r\nContent-Type: application/octet-stream'
    parts = [f"{head}\r\n\r\n", 'Content-Disposition: form-data; name="caption"\r\n\r\na nodule']
    body = "".join(f"--x\r\n{part}\r\n" for part in parts) + "--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    assert reader.client.post(PATH, content=body.encode(), headers=kind).json()["inputs"] == ["caption"]


def test_image_and_caption_stand_beside_what_the_image_alone_would_be(reader: Site) -> None:
    form = {"file": ("conflict.png", png()), "caption": (None, "a nodule")}
    body = reader.client.post(PATH, files=form).json()
    assert body["image_alone"] == {"label": "benign", "confidence": 0.9}
    assert "conflict" in body["flags"]


@pytest.mark.browser
def test_a_caption_is_shown_and_not_given_to_the_next_image(browser: Any, reader: Site) -> None:
    page = browser.new_page(locale="en-GB")
    page.goto(reader.address)
    page.locator("#caption").fill("no nodule <b>")
    page.locator("#file").set_input_files([{"name": "conflict.png", "mimeType": "", "buffer": png("a")}])
    result = page.locator("article[aria-label='conflict.png']")
    result.wait_for()
    assert result.locator(".slot-caption").inner_text() == "no nodule <b>"
    assert result.locator(".slot-alone").inner_text() == "By the image alone: benign, 90.0%."
    assert "Image and caption disagree." in result.locator(".warning.conflict").inner_text()
    assert page.locator("#caption").input_value() == ""
    page.locator("#file").set_input_files([{"name": "next.png", "mimeType": "", "buffer": png("b")}])
    following = page.locator("article[aria-label='next.png']")
    following.wait_for()
    assert not following.locator(".said").is_visible()
    page.locator("#caption").fill("a nodule")
    files = [{"name": f"{number}.png", "mimeType": "", "buffer": png(str(number))} for number in range(2)]
    page.locator("#file").set_input_files(files)
    assert "One caption is of one image" in page.locator("#errors").inner_text()
    assert page.locator("#caption").input_value() == "a nodule"
    page.context.close()


def test_the_page_says_where_images_of_another_kind_are_not_refused(site: Site) -> None:
    told = "This model does not know which kind of image it is made for"
    assert told not in site.client.get("/").text
    with site_of(FakePredictor(knows_its_kind=False)) as other:
        assert told in other.client.get("/").text


def test_the_page_asks_for_a_caption_where_it_is_read(reader: Site, site: Site) -> None:
    assert 'id="caption"' in reader.client.get("/").text
    assert "Só" not in reader.client.get("/").text
    assert "Classificar só o texto" in reader.client.get("/", params={"lang": "pt-PT"}).text
    assert 'id="caption"' not in site.client.get("/").text
