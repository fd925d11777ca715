"""Logs as JSON lines, one file per component."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from lince.core.files import make_folder, write_error
from lince.core.types import Prediction

logger = logging.getLogger("lince")
logger.addHandler(logging.NullHandler())


def log_to(folder: Path, component: str) -> logging.Handler:
    """Append what ``lince`` logs to ``folder/component.jsonl``, 10 MB a file, five kept.

    Each line has ``time`` (ISO 8601, UTC), ``level``, ``component``, ``message`` and the fields given as ``extra``.

    Raises
    ------
    OutputError
        The folder or file cannot be written.
    """
    from pythonjsonlogger.json import JsonFormatter

    path = make_folder(folder) / f"{component}.jsonl"
    try:
        handler = RotatingFileHandler(path, maxBytes=10_000_000, backupCount=5, encoding="utf-8")
    except OSError as error:
        raise write_error(path, error) from error
    handler.setFormatter(
        JsonFormatter(
            "%(levelname)s %(message)s",
            rename_fields={"levelname": "level"},
            timestamp="time",
            static_fields={"component": component},
        )
    )
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    return handler


def close_logs() -> None:
    """Close every file that `log_to` opened."""
    for handler in list(logger.handlers):
        if isinstance(handler, RotatingFileHandler):
            logger.removeHandler(handler)
            handler.close()


def prediction_fields(prediction: Prediction) -> dict[str, Any]:
    """A prediction as fields of a log line; its name is called ``image``, since logging keeps ``name`` for itself."""
    fields = prediction.as_dict()
    return {"image": fields.pop("name"), **fields}
