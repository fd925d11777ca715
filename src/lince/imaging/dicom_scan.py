"""The headers of many DICOM files, read in the worker processes, where a damaged one can do no harm."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal

from lince.core.events import EventBus, WorkAdvanced, WorkFinished, WorkStarted
from lince.core.settings import worker_count
from lince.imaging.dicom import DECODE_SECONDS, WorkerLostError, ask_worker

TASK = "Reading headers"
_TOGETHER = 64  # paths in one request: enough to hide what a request costs, few enough to show progress


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of one file from its header.

    Attributes
    ----------
    path
        As it was given.
    kind
        ``image``; ``object``, which is DICOM but no picture; ``other``, which is not DICOM; or ``unreadable``.
    reason
        Why it is unreadable.
    modality
        Of an object.
    patient
        The PatientID, where there is one.
    frames
        How many pictures the file holds.
    attributes
        See `lince.imaging.dicom_header.read_header`.
    """

    path: str
    kind: Literal["image", "object", "other", "unreadable"]
    reason: str = ""
    modality: str = ""
    patient: str | None = None
    frames: int = 1
    attributes: Mapping[str, Any] = field(default_factory=dict)


def scan_headers(paths: Sequence[str], *, bus: EventBus | None = None) -> Iterator[Header]:
    """Read the headers of files in parallel; pixels are not read.

    Parameters
    ----------
    paths
        Files of any kind.
    bus
        Hears the progress (task "Reading headers").

    Yields
    ------
    Header
        One for each path, in their order.
    """
    bus = bus or EventBus()
    bus.publish(WorkStarted(TASK, len(paths)))
    chunks = [paths[start : start + _TOGETHER] for start in range(0, len(paths), _TOGETHER)]
    done = 0
    with ThreadPoolExecutor(worker_count(), thread_name_prefix="lince-headers") as pool:
        try:
            for chunk in pool.map(_read, chunks):
                yield from chunk
                done += len(chunk)
                bus.publish(WorkAdvanced(TASK, done))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    bus.publish(WorkFinished(TASK))


def _read(paths: Sequence[str]) -> list[Header]:
    """The headers of a few files; where a worker dies over them, of each alone, so that only the culprit is lost."""
    try:
        # A worker may have been started in another working folder.
        absolute = [os.path.abspath(path) for path in paths]  # noqa: PTH100  Path objects would cost more than reading
        _, body = ask_worker({"headers": absolute}, seconds=DECODE_SECONDS)
        answers = json.loads(body)
    except WorkerLostError as error:
        if len(paths) > 1:
            return [header for path in paths for header in _read([path])]
        answers = [{"kind": "unreadable", "reason": f"The reader {error} on this file, which is probably damaged"}]
    return [Header(path, **answer) for path, answer in zip(paths, answers, strict=True)]
