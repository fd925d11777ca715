"""Micro-batching: requests that arrive while the network is busy share its next pass."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from typing import final

from lince.core.events import EventBus
from lince.core.logs import logger
from lince.inference.predictor import Predictor
from lince.inference.prepared import Outcome, Prepared

# Smaller than `predictor.BATCH`: outside the main thread, the C library keeps no more than 64 MiB together.
MAX_BATCH = 8

_Job = tuple[Prepared, bool, "Future[Outcome]"]


@final
class MicroBatcher:
    """One thread that runs the network on whatever is waiting, up to ``max_batch`` images at a time.

    Nothing waits for a batch to fill: a lone request is run at once, and under load batches form by themselves.
    ``bus`` is the predictor's own; it is taken here so that a server wires both in one place.
    """

    def __init__(self, predictor: Predictor, *, bus: EventBus | None = None, max_batch: int = MAX_BATCH) -> None:
        self.predictor = predictor
        self.bus = bus
        self._max_batch = max_batch
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()  # without it, a job could slip in behind the end and wait for ever
        self._thread = threading.Thread(target=self._work, name="lince-batcher", daemon=True)
        self._thread.start()

    def submit(self, prepared: Prepared, *, explain: bool = False) -> Future[Outcome]:
        """Queue one image; the future holds its outcome."""
        future: Future[Outcome] = Future()
        with self._lock:
            closed = self._closed
            if not closed:
                self._jobs.put((prepared, explain, future))
        if closed:
            future.set_exception(RuntimeError("the batcher is closed"))
        return future

    def close(self) -> None:
        """Finish what is queued, then stop the thread."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()

    def _gather(self) -> tuple[list[_Job], bool]:
        """Wait for one job, take those that wait behind it; the flag says that the end has come."""
        jobs: list[_Job] = []
        while len(jobs) < self._max_batch:
            try:
                job = self._jobs.get(block=not jobs)
            except queue.Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
        return jobs, False

    def _warm_up(self) -> None:
        """Run each size of batch once, until somebody asks: a size that is new takes a tenth of a second longer."""
        for size in sorted(range(1, self._max_batch + 1), key=lambda n: (n not in (1, self._max_batch), -n)):
            if not self._jobs.empty():
                return
            try:
                self.predictor.warm_up(size)
            except Exception:
                logger.exception("warming up failed", extra={"images": size})
                return

    def _work(self) -> None:
        last = False
        self._warm_up()
        while not last:
            jobs, last = self._gather()
            jobs = [job for job in jobs if job[2].set_running_or_notify_cancel()]
            if jobs:
                self._run(jobs)

    def _run(self, jobs: list[_Job]) -> None:
        try:
            outcomes = self.predictor.run([job[0] for job in jobs], explain=[job[1] for job in jobs])
        except Exception as error:
            logger.exception("a batch failed", extra={"images": len(jobs)})
            for job in jobs:
                job[2].set_exception(error)
            return
        for job, outcome in zip(jobs, outcomes, strict=True):
            job[2].set_result(outcome)
