"""The server of the page, asked over its socket during a real training."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from lince.core.errors import ConfigError
from lince.core.events import EventBus, Noticed
from lince.inference import Bundle
from lince.training import reporting
from lince.training.live import live_page
from lince.training.live.resources import ResourceMonitor
from lince.training.live.shelf import SampleShelf
from lince.training.live.words import PORTUGUESE, choose
from lince.training.run import train

from .runs import QUICK, Watched, ask, state_of, watched_training

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def watched(tiny_images: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A training that stands still after its second epoch."""
    with watched_training(tiny_images, tmp_path_factory.mktemp("live") / "bundle") as found:
        yield found


def test_the_state_says_all_that_was_told(watched: Watched) -> None:
    found = state_of(watched.page.address)
    assert (found["status"], found["name"], found["synthetic"]) == ("training", "breast-ultrasound phantoms", True)
    assert [row["epoch"] for row in found["epochs"]] == [1, 2]
    assert sum(map(sum, found["validation"]["confusion"])) == 4
    assert found["plan"][0].endswith("to measure with, once, at the end.")
    assert "small-cnn" in found["plan"][1]
    assert found["figures"] is None
    assert found["resources"]["disk_free"] > 0


def test_epochs_are_sent_once_to_who_knows_the_run_and_all_to_others(watched: Watched) -> None:
    run = state_of(watched.page.address)["run"]
    assert len(state_of(watched.page.address, f"?run={run}&since=1")["epochs"]) == 1
    for query in ("?run=another&since=1", f"?run={run}&since=-1", f"?run={run}&since=1e9", "?since=1"):
        assert len(state_of(watched.page.address, query)["epochs"]) == 2, query


def test_samples_have_pictures_heat_maps_and_a_decision(watched: Watched) -> None:
    samples = state_of(watched.page.address)["samples"]
    assert {one["truth"] for one in samples} == {"benign", "malignant"}
    for number, one in enumerate(samples):
        assert 0.5 <= one["probability"] <= 1
        assert one["name"].startswith(f"phantom_{one['truth']}")
        for kind in ("samples", "heat"):
            status, headers, content = ask(f"{watched.page.address}/{kind}/{number}")
            assert (status, headers["Content-Type"], content[:4]) == (200, "image/png", PNG)


@pytest.mark.parametrize(
    "path",
    [
        "/samples/99",
        "/heat/-1",
        "/samples/x",
        "/static/../state.py",
        "/static/state.py",
        "/report",
        "/etc/passwd",
        "//",
    ],
)
def test_what_is_not_there_is_404_and_no_file_is_served(watched: Watched, path: str) -> None:
    status, _, content = ask(watched.page.address + path)
    assert (status, content) in [(404, b"There is nothing here.\n")] or path == "//"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1", "", "[::1"])
def test_a_name_that_is_not_of_this_computer_gets_nothing(watched: Watched, host: str) -> None:
    status, _, content = ask(watched.page.address + "/state", Host=host)
    assert status == 421
    assert b"epochs" not in content


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:7002", "[::1]:80"])
def test_names_of_this_computer_are_answered(watched: Watched, host: str) -> None:
    assert ask(watched.page.address + "/state", Host=host)[0] == 200


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_another_site_may_link_here_but_not_read_along(watched: Watched, headers: dict[str, str]) -> None:
    assert ask(watched.page.address + "/state", **headers)[0] == 403
    assert ask(watched.page.address + "/", **headers)[0] == 200


def test_every_answer_forbids_what_the_page_does_not_need(watched: Watched) -> None:
    for path in ("/", "/state", "/nothing"):
        _, headers, _ = ask(watched.page.address + path)
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe-inline" not in headers["Content-Security-Policy"].split("script-src")[1].split(";")[0]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Server"].strip() == "lince"


def test_only_reading_is_possible(watched: Watched) -> None:
    import urllib.request

    request = urllib.request.Request(watched.page.address + "/", data=b"x", method="POST")
    with pytest.raises(urllib.error.HTTPError, match="501"):
        urllib.request.urlopen(request, timeout=5)
    head = urllib.request.Request(watched.page.address + "/", method="HEAD")
    with urllib.request.urlopen(head, timeout=5) as answer:
        assert int(answer.headers["Content-Length"]) > 5000
        assert answer.read() == b""


def test_the_page_speaks_the_language_of_the_browser(watched: Watched) -> None:
    for header, language, word in (("pt-BR,en;q=0.5", "pt", "Melhor AUC"), ("fr", "en", "Best validation AUC")):
        _, _, content = ask(watched.page.address + "/", **{"Accept-Language": header})
        assert f'<html lang="{language}">' in content.decode()
        assert word in content.decode()
    assert "Modelo: small-cnn" in state_of(watched.page.address, **{"Accept-Language": "pt"})["plan"][1]


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "en"), ("de,pt;q=0.3,en;q=0.2", "pt"), ("en,pt", "en"), ("pt;q=0", "en"), ("PT-pt", "pt"), ("*", "en")],
)
def test_the_first_language_it_knows(header: str, language: str) -> None:
    assert choose(header) == language


def test_every_sentence_of_page_and_scripts_has_a_translation_and_none_is_left_over() -> None:
    place = files("lince.training.live")
    sources = [place / "templates" / "live.html", *(place / "static").iterdir(), place / "telling.py"]
    text = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    said = set(re.findall(r'\bsay\(\s*"([^"]+)"', text))
    for choice in re.findall(r'\bsay\([^"()]*\? "([^"]+)" : "([^"]+)"', text):
        said |= set(choice)
    assert len(said) > 50
    assert said - PORTUGUESE.keys() == set()
    assert {sentence for sentence in PORTUGUESE if sentence not in text} - _OF_EVENTS == set()
    for english, portuguese in PORTUGUESE.items():
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", portuguese)), english


# Names that come with events: of tasks and phases.
_OF_EVENTS = {
    "Reading images", "Reading headers", "Looking for near-duplicates", "Computing features", "Measuring", "head",
    "train", "fine-tuning", "training images", "validation images",
}  # fmt: skip


def test_the_end_has_the_figures_and_the_report(tiny_images: Path, tmp_path: Path) -> None:
    bus = EventBus()
    with live_page(bus, 0) as page:
        bundle = train(tiny_images, out=tmp_path / "a", bus=bus, **QUICK)
        found = state_of(page.address)
        assert (found["status"], found["positive"]) == ("finished", "malignant")
        assert found["figures"]["auc"] == json.loads(json.dumps(bundle.summary()["auc"]))
        status, _, content = ask(page.address + "/report")
        assert (status, content) == (200, (bundle.path / "report" / "report.html").read_bytes())
        _decided_as_served(found["samples"], bundle, tiny_images)


def _decided_as_served(samples: list[dict[str, Any]], bundle: Bundle, images: Path) -> None:
    from lince.inference import Predictor

    predictor = Predictor(bundle)
    for one in samples:
        (path,) = images.rglob(one["name"])
        prediction = predictor.predict(path)
        assert one["decision"] == prediction.label
        assert one["probability"] == pytest.approx(prediction.confidence, abs=2e-3)


def test_a_page_changes_nothing_of_the_weights_even_when_it_fails(
    tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def weights(name: str) -> bytes:
        return (tmp_path / name / "model.safetensors").read_bytes()

    monkeypatch.setattr(reporting, "write_report", lambda *_, **__: None)
    train(tiny_images, out=tmp_path / "alone", **QUICK)
    bus = EventBus()
    with live_page(bus, 0):
        train(tiny_images, out=tmp_path / "watched", bus=bus, **QUICK)
    assert weights("watched") == weights("alone")

    def fail(*_: object) -> None:
        raise RuntimeError("the page is broken")

    for method in ("choose", "improve", "conclude"):
        monkeypatch.setattr(SampleShelf, method, fail)
    bus = EventBus()
    with live_page(bus, 0) as page:
        train(tiny_images, out=tmp_path / "broken", bus=bus, **QUICK)
        assert state_of(page.address)["status"] == "finished"
    assert weights("broken") == weights("alone")


def test_a_failure_while_answering_is_a_500_and_the_next_answer_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    bus = EventBus()
    with live_page(bus, 0) as page:
        with monkeypatch.context() as broken:
            broken.setattr(ResourceMonitor, "as_dict", lambda *_: 1 / 0)
            assert ask(page.address + "/state")[0] == 500
        bus.publish(Noticed("still here"))
        assert state_of(page.address)["notices"] == [{"message": "still here", "level": "info"}]


def test_a_taken_port_is_said_before_anything_else() -> None:
    with live_page(EventBus(), 0) as page:
        port = int(page.address.rsplit(":", 1)[1])
        with pytest.raises(ConfigError, match="already in use"), live_page(EventBus(), port):
            raise AssertionError("nothing may start")


def test_after_the_end_the_port_is_free_and_the_bus_is_left() -> None:
    bus = EventBus()
    with live_page(bus, 0) as page:
        port = int(page.address.rsplit(":", 1)[1])
    assert bus == EventBus()
    with live_page(bus, port) as again:
        assert state_of(again.address)["status"] == "preparing"


def test_an_error_reaches_the_page_and_then_the_caller() -> None:
    bus = EventBus()
    seen = []

    def interrupt() -> None:
        with live_page(bus, 0) as page:
            seen.append(page)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert seen[0]._state.snapshot()["status"] == "interrupted"
