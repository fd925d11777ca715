"""Logs as JSON lines, and events."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from lince.core.errors import OutputError
from lince.core.events import Event, EventBus, Noticed, WorkStarted
from lince.core.logs import log_to, logger


@pytest.fixture
def handler(tmp_path: Path) -> Iterator[logging.Handler]:
    level = logger.level
    found = log_to(tmp_path / "logs", "server")
    yield found
    logger.removeHandler(found)
    logger.setLevel(level)
    found.close()


def read(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "logs" / "server.jsonl").read_text(encoding="utf-8").splitlines()]


def test_each_record_is_one_json_line(handler: logging.Handler, tmp_path: Path) -> None:
    logging.getLogger("lince.serving").info("started\nwell", extra={"port": 8080})
    logger.debug("too small to keep")
    logger.warning("olá")
    first, second = read(tmp_path)
    assert (first["level"], first["component"], first["message"], first["port"]) == (
        "INFO",
        "server",
        "started\nwell",
        8080,
    )
    when = datetime.fromisoformat(str(first["time"]))
    assert when.utcoffset() is not None
    assert (second["level"], second["message"]) == ("WARNING", "olá")


def test_a_traceback_stays_inside_its_line(handler: logging.Handler, tmp_path: Path) -> None:
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        logger.exception("a batch failed")
    (line,) = read(tmp_path)
    assert "RuntimeError: boom" in str(line["exc_info"])


def test_a_log_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(OutputError):
        log_to(tmp_path / "logs", "server")


def test_a_log_file_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "server.jsonl").mkdir()
    before = list(logger.handlers)
    with pytest.raises(OutputError):
        log_to(tmp_path, "server")
    assert logger.handlers == before


def test_subscribers_hear_in_order_until_they_leave() -> None:
    bus, heard = EventBus(), []
    leave = bus.subscribe(lambda event: heard.append(("first", event)))
    bus.subscribe(lambda event: heard.append(("second", event)))
    event = Noticed("hello")
    bus.publish(event)
    leave()
    bus.publish(event)
    assert heard == [("first", event), ("second", event), ("second", event)]


def test_a_subscriber_may_leave_while_it_is_told() -> None:
    bus = EventBus()
    heard: list[str] = []

    def once(event: Event) -> None:
        heard.append("once")
        leave()

    leave = bus.subscribe(once)
    bus.subscribe(lambda event: heard.append("always"))
    bus.publish(Noticed("x"))
    bus.publish(Noticed("y"))
    assert heard == ["once", "always", "always"]


def test_events_cannot_be_changed() -> None:
    event = WorkStarted("Reading", 3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.total = 4  # type: ignore[misc]
