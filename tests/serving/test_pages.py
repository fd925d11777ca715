"""The pages as the server writes them."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image

from lince.core.errors import ConfigError
from lince.core.types import LabelSpace
from lince.serving import create_app
from lince.serving.figures import Figure, figure
from lince.serving.samples import SampleShelf

from .conftest import Site, picture, site_of
from .fakes import FakeBatcher, FakePredictor


def page(site: Site, path: str = "/", **headers: str) -> str:
    answer = site.client.get(path, headers=headers)
    assert answer.status_code == 200
    return answer.text


def test_the_page_always_says_that_it_is_research(site: Site) -> None:
    assert "Not a medical device" in page(site)
    assert "Não é um dispositivo médico" in page(site, **{"accept-language": "pt"})


def test_only_a_synthetic_model_gets_the_banner(site: Site) -> None:
    assert "phantoms" not in page(site)
    with site_of(FakePredictor(synthetic=True)) as synthetic:
        assert "do not use it on patients" in page(synthetic)


def test_the_switch_is_remembered(site: Site) -> None:
    answer = site.client.get("/?lang=pt-BR")
    site.client.cookies.clear()
    assert '<html lang="pt-BR">' in answer.text
    assert answer.headers["content-language"] == "pt-BR"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert '<html lang="pt-BR">' in page(site, cookie="lang=pt_BR")
    assert '<html lang="en">' in page(site)
    assert site.client.get("/?lang=klingon").status_code == 200
    assert "set-cookie" not in site.client.get("/?lang=klingon").headers


def test_test_figures_have_their_intervals(site: Site) -> None:
    html = page(site, **{"accept-language": "pt-PT"})
    assert re.search(r"AUC.*?0,912.*?0,861 – 0,949", html, re.S)
    assert re.search(r"Sensibilidade.*?87,0%.*?75,0% – 94,0%.*?40/46", html, re.S)
    assert "1\xa0156 imagens" in html


def test_a_model_without_figures_says_so() -> None:
    with site_of(FakePredictor(figures={})) as site:
        assert "nobody knows" in page(site)


def test_names_of_strangers_are_escaped() -> None:
    evil = "<script>alert(1)</script>"
    labels = LabelSpace((evil, "b"), evil)
    with site_of(FakePredictor(labels=labels, name=evil, figures={"counts": {evil: 1}})) as site:
        html = page(site)
    assert evil not in html
    assert "&lt;script&gt;" in html
    assert "\\u003cscript\\u003e" in html or '"classes": {}' in html


def test_no_page_needs_what_the_policy_forbids(site: Site) -> None:
    for path in ("/", "/api/docs"):
        html = page(site, path)
        assert not re.search(r"<script(?![^>]*(src=|application/json))", html)
        assert not re.search(r"\son\w+=|\sstyle=|<style", html)
        assert not re.findall(r"""(?:src|href)="(?:https?:)?//""", html)


def test_static_files_are_named_with_their_hash(site: Site) -> None:
    addresses = re.findall(r'"(/static/[^"]+)"', page(site))
    assert len(addresses) == 3
    for address in addresses:
        assert re.search(r"\?v=[0-9a-f]{16}$", address)
        assert "immutable" in site.client.get(address).headers["cache-control"]


def test_samples_are_shown_and_served(site: Site, samples: Path) -> None:
    html = page(site)
    assert "benign-1.png" in html
    assert "notes.txt" not in html
    assert site.client.get("/samples/benign-1.png").content == (samples / "benign-1.png").read_bytes()
    nested = re.search(r'data-address="(/samples/more/[^"]+)"', html)
    assert nested
    answer = site.client.get(nested[1])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/tiff")
    thumbnail = site.client.get(nested[1] + "?thumbnail=true")
    assert Image.open(io.BytesIO(thumbnail.content)).size == (192, 115)


def test_a_sample_that_cannot_be_read_has_no_thumbnail(site: Site) -> None:
    assert site.client.get("/samples/broken.png?thumbnail=1").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["../serving.py", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "/etc/passwd", "notes.txt", "more", ""],
)
def test_no_path_leads_out_of_the_samples(site: Site, path: str) -> None:
    assert site.client.get(f"/samples/{path}").status_code == 404
    assert site.client.get(f"/static/{path}").status_code == 404


def test_a_missing_sample_folder_is_one_sentence(tmp_path: Path) -> None:
    predictor = FakePredictor()
    with pytest.raises(ConfigError, match="no such folder of sample images"):
        create_app(predictor, batcher=FakeBatcher(predictor), samples=tmp_path / "none")  # type: ignore[arg-type]


def test_the_shelf_holds_a_screenful(tmp_path: Path) -> None:
    for i in range(30):
        picture(height=8, width=8).save(tmp_path / f"{i:02}.png")
    assert list(SampleShelf.of(tmp_path).files) == [f"{i:02}.png" for i in range(24)]


def test_openapi_describes_every_route_and_error(site: Site) -> None:
    document = site.client.get("/api/openapi.json").json()
    assert set(document["paths"]) == {"/api/v1/predictions", "/api/v1/model", "/api/v1/health"}
    post = document["paths"]["/api/v1/predictions"]["post"]
    assert set(post["requestBody"]["content"]) == {
        "multipart/form-data",
        "image/*",
        "application/dicom",
        "application/octet-stream",
    }
    assert {"400", "403", "408", "413", "415", "421", "422", "500"} < set(post["responses"])
    for status, answer in post["responses"].items():
        kind = "application/json" if status == "200" else "application/problem+json"
        reference = answer["content"][kind]["schema"]["$ref"].rsplit("/", 1)[-1]
        assert reference in document["components"]["schemas"]
    assert document["components"]["schemas"]["PredictionAnswer"]["example"]["label"] == "malignant"


def test_answers_are_as_openapi_says(site: Site) -> None:
    from lince.serving.schemas import HealthAnswer, ModelAnswer, PredictionAnswer, Problem

    image = {"file": ("a.png", (lambda s: (picture().save(s, "PNG"), s.getvalue())[1])(io.BytesIO()))}
    answers = {
        PredictionAnswer: site.client.post("/api/v1/predictions?explain=true", files=image),
        ModelAnswer: site.client.get("/api/v1/model"),
        HealthAnswer: site.client.get("/api/v1/health"),
        Problem: site.client.get("/none"),
    }
    for schema, answer in answers.items():
        assert answer.json().keys() == schema.model_fields.keys()
        schema.model_validate(answer.json(), strict=True)


def test_the_description_page_names_everything(site: Site) -> None:
    html = page(site, "/api/docs")
    document = site.client.get("/api/openapi.json").json()
    for path in document["paths"]:
        assert path in html
    for schema in document["components"]["schemas"].values():
        for field in schema["properties"]:
            assert f"<code>{field}</code>" in html
    targets = set(re.findall(r'href="#([^"]+)"', html))
    assert targets
    assert targets <= set(re.findall(r'id="([^"]+)"', html))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (0.5, Figure(0.5)),
        ([0.5, 0.4, 0.6], Figure(0.5, 0.4, 0.6)),
        ({"value": 0.5, "low": 0.4, "high": None, "numerator": 1, "denominator": 2}, Figure(0.5, 0.4, None, 1, 2)),
        ({"value": None}, None),
        (float("nan"), None),
        (True, None),
        ("0.5", None),
    ],
)
def test_figures_are_read_leniently(given: object, expected: Figure | None) -> None:
    assert figure({"auc": given}, "auc") == expected
    assert figure({}, "auc") is None
