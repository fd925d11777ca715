"""One image over REST."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import httpx
import numpy as np
import pytest
from PIL import Image

from lince.core.events import PredictionMade
from lince.core.files import sha256_bytes
from lince.serving.pictures import encode_preview, heat_map_uri
from lince.serving.upload import clean_name

from .conftest import Site, png, site_of
from .fakes import FakePredictor

PATH = "/api/v1/predictions"
Post = Callable[..., httpx.Response]


def test_an_answer_is_the_prediction_with_an_id_and_a_time(post: Post) -> None:
    body = post("threshold.png").json()
    assert UUID(body.pop("id")).version == 4
    assert datetime.fromisoformat(body.pop("created")).utcoffset() is not None
    assert len(body.pop("input_sha256")) == 64
    assert body == {
        "name": "threshold.png",
        "label": "malignant",
        "confidence": 0.34,
        "probabilities": {"benign": pytest.approx(0.66), "malignant": 0.34},
        "flags": ["low_confidence"],
        "positive": "malignant",
        "threshold": 0.22,
        "decided_by_threshold": True,
        "model_id": "3f786850e387",
        "prediction_set": ["malignant"],
        "novelty": 0.6,
        "reasons": [],
        "inputs": ["image"],
        "image_alone": None,
        "words": None,
    }


def test_all_ways_to_send_an_image_mean_the_same(site: Site) -> None:
    data = png("scan")
    answers = [
        site.client.post(PATH, files={"file": ("scan.png", data)}),
        site.client.post(PATH, files={"image": ("scan.png", data, "application/octet-stream")}),
        *(
            site.client.post(PATH, params={"name": "scan.png"}, content=data, headers={"content-type": kind})
            for kind in ("image/png", "image/tiff", "application/dicom", "application/octet-stream")
        ),
        site.client.post(PATH, params={"name": "scan.png"}, content=data),
    ]
    bodies = [answer.json() for answer in answers]
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    for body in bodies:
        del body["id"], body["created"]
    assert all(body == bodies[0] for body in bodies)


def test_the_hash_is_of_the_pixels_that_the_recipe_makes(site: Site, post: Post) -> None:
    data = png("other", height=90, width=130)
    expected = sha256_bytes(np.ascontiguousarray(site.predictor.bundle.spec.load(data)).data)
    assert post("other.png", data).json()["input_sha256"] == expected


def test_explain_adds_pictures_with_the_aspect_of_the_image(post: Post) -> None:
    body = post("scan.png", png("scan", height=120, width=240), params={"explain": "true"}).json()
    heat = picture_of(body["heat_map"], "image/png")
    assert heat.mode == "RGBA"
    assert heat.width == 2 * heat.height
    alpha = np.asarray(heat)[..., 3]
    assert alpha.max() > 250
    assert alpha.min() == 0
    rows, columns = np.indices(alpha.shape)
    centre = np.average(rows, weights=alpha) / heat.height, np.average(columns, weights=alpha) / heat.width
    assert centre == pytest.approx((0.48, 0.45), abs=0.03)
    assert picture_of(body["preview"], "image/png").size == (240, 120)


def test_pictures_come_only_when_asked_for(post: Post) -> None:
    assert not {"heat_map", "preview"} & post().json().keys()


def test_a_model_without_heat_maps_says_null() -> None:
    predictor = FakePredictor()
    predictor.heat = False
    with site_of(predictor) as site:
        body = site.client.post(PATH, params={"explain": "1"}, files={"file": png()}).json()
    assert body["heat_map"] is None
    assert body["preview"].startswith("data:image/")


def test_predictions_are_told_to_the_bus_with_their_origin(site: Site, post: Post) -> None:
    site.events.clear()
    post("one.png")
    post("two.png", headers={"sec-fetch-site": "same-origin"})
    # The event is published before the answer leaves.
    told = [(e.prediction.name, e.origin) for e in site.events if isinstance(e, PredictionMade)]
    assert told == [("one.png", "api"), ("two.png", "web")]
    assert all(0 < e.seconds < 10 for e in site.events if isinstance(e, PredictionMade))


def test_a_bad_image_tells_the_bus_nothing(site: Site, post: Post) -> None:
    site.events.clear()
    assert post("bad.png", b"no image").status_code == 422
    assert site.events == []


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\scans\\João.png", "João.png"),
        ("a\r\nSet-Cookie: x\x00.png", "aSet-Cookie: x.png"),
        ("x" * 5000, "x" * 200),
        ("", "image"),
        ("folder/", "image"),
        (None, "image"),
    ],
)
def test_names_are_fit_to_be_shown(given: str | None, shown: str) -> None:
    assert clean_name(given) == shown


def test_small_previews_lose_nothing_and_large_ones_are_jpeg() -> None:
    small = np.random.default_rng(0).integers(0, 255, (28, 28), dtype=np.uint8)
    data, kind = encode_preview(small)
    assert kind == "image/png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), small)
    assert encode_preview(np.zeros((500, 640, 3), np.uint8))[1] == "image/jpeg"
    thumbnail, _ = encode_preview(np.zeros((500, 640, 3), np.uint8), side=64)
    assert Image.open(io.BytesIO(thumbnail)).size == (64, 50)


def test_a_heat_map_of_an_endless_strip_still_has_pixels() -> None:
    strip = picture_of(heat_map_uri(np.ones((1, 7), np.float32), height=1, width=5000), "image/png")
    assert strip.size == (256, 1)


def test_thirty_two_clients_at_once_get_their_own_answers(site: Site) -> None:
    from concurrent.futures import ThreadPoolExecutor

    names = [f"{'low' if i % 2 else 'benign'}-{i}.png" for i in range(32)]
    data = png("shared", height=64, width=64)

    def ask(name: str) -> tuple[int, str, float]:
        answer = httpx.post(site.address + PATH, files={"file": (name, data)}, timeout=30, trust_env=False)
        body = answer.json()
        return answer.status_code, body["name"], round(body["probabilities"]["malignant"], 3)

    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(ask, names * 3))
    assert found == [(200, name, 0.42 if "low" in name else 0.031) for name in names * 3]


def test_the_loop_answers_while_a_network_is_busy() -> None:
    from concurrent.futures import ThreadPoolExecutor

    from .fakes import FakeBatcher

    predictor = FakePredictor()
    with site_of(predictor, batcher=FakeBatcher(predictor, pause=0.6)) as site, ThreadPoolExecutor(1) as pool:
        slow = pool.submit(httpx.post, site.address + PATH, files={"file": png()}, timeout=20, trust_env=False)
        time.sleep(0.1)
        start = time.perf_counter()
        assert site.client.get("/api/v1/health").json()["status"] == "ok"
        assert time.perf_counter() - start < 0.4
        assert not slow.done()
        assert slow.result().status_code == 200


def test_model_and_health_tell_what_is_served(site: Site) -> None:
    model = site.client.get("/api/v1/model").json()
    assert model["labels"] == ["benign", "malignant"]
    assert (model["positive"], model["threshold"], model["synthetic"]) == ("malignant", 0.22, False)
    assert model["spec"]["size"] == 64
    assert model["figures"]["auc"]["low"] == 0.861
    assert "Not a medical device" in model["research_use"]
    assert site.client.get("/api/v1/health").json()["model_id"] == model["model_id"]


def picture_of(uri: str, media_type: str) -> Image.Image:
    head, _, data = uri.partition(",")
    assert head == f"data:{media_type};base64"
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
