"""Micro-batching with a predictor whose pace the test decides."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lince.inference import MicroBatcher, Predictor

WAIT = 10


class Paced:
    """Answers each item with itself and whether it was to be explained, once the gate is open."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.busy = threading.Event()
        self.batches: list[list[object]] = []
        self.failure: Exception | None = None
        self.warmed: list[int] = []
        self.cold = False

    def warm_up(self, batch: int) -> None:
        if self.cold:
            raise MemoryError
        self.warmed.append(batch)

    def run(self, items: Sequence[Any], *, explain: Sequence[bool]) -> list[Any]:
        self.batches.append(list(items))
        self.busy.set()
        assert self.gate.wait(WAIT)
        if self.failure is not None:
            raise self.failure
        return list(zip(items, explain, strict=True))


@pytest.fixture
def paced() -> Paced:
    return Paced()


@pytest.fixture
def batcher(paced: Paced) -> Iterator[MicroBatcher]:
    found = MicroBatcher(paced, max_batch=4)  # type: ignore[arg-type]
    yield found
    paced.gate.set()
    found.close()


def occupy(batcher: MicroBatcher, paced: Paced) -> Any:
    """Give the network something to do, so that what comes next has to wait."""
    first = batcher.submit("first")  # type: ignore[arg-type]
    assert paced.busy.wait(WAIT)
    return first


def test_a_lone_request_is_run_at_once(batcher: MicroBatcher, paced: Paced) -> None:
    paced.gate.set()
    assert batcher.submit("a", explain=True).result(WAIT) == ("a", True)  # type: ignore[arg-type]
    assert paced.batches == [["a"]]


def test_what_waits_shares_the_next_passes(batcher: MicroBatcher, paced: Paced) -> None:
    first = occupy(batcher, paced)
    later = [batcher.submit(i, explain=i % 2 == 0) for i in range(6)]  # type: ignore[arg-type]
    assert not any(future.done() for future in later)
    paced.gate.set()
    assert first.result(WAIT) == ("first", False)
    assert [future.result(WAIT) for future in later] == [(i, i % 2 == 0) for i in range(6)]
    assert paced.batches == [["first"], [0, 1, 2, 3], [4, 5]]


def test_many_clients_each_get_their_own_answer(batcher: MicroBatcher, paced: Paced) -> None:
    paced.gate.set()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: batcher.submit(i).result(WAIT), range(400)))  # type: ignore[arg-type]
    assert answers == [(i, False) for i in range(400)]
    assert max(map(len, paced.batches)) <= 4


def test_a_failure_reaches_everyone_and_the_next_batch_works(batcher: MicroBatcher, paced: Paced) -> None:
    first = occupy(batcher, paced)
    later = [batcher.submit(i) for i in range(3)]  # type: ignore[arg-type]
    paced.failure = RuntimeError("out of memory")
    paced.gate.set()
    for future in (first, *later):
        with pytest.raises(RuntimeError, match="out of memory"):
            future.result(WAIT)
    paced.failure = None
    assert batcher.submit("again").result(WAIT) == ("again", False)  # type: ignore[arg-type]


def test_a_cancelled_request_is_not_run(batcher: MicroBatcher, paced: Paced) -> None:
    occupy(batcher, paced)
    keep, drop = batcher.submit("keep"), batcher.submit("drop")  # type: ignore[arg-type]
    assert drop.cancel()
    paced.gate.set()
    assert keep.result(WAIT) == ("keep", False)
    assert paced.batches == [["first"], ["keep"]]


def test_closing_finishes_what_is_queued_and_may_be_repeated(batcher: MicroBatcher, paced: Paced) -> None:
    occupy(batcher, paced)
    later = [batcher.submit(i) for i in range(9)]  # type: ignore[arg-type]
    closing = [threading.Thread(target=batcher.close) for _ in range(3)]
    for thread in closing:
        thread.start()
    paced.gate.set()
    for thread in closing:
        thread.join(WAIT)
        assert not thread.is_alive()
    assert [future.result(0) for future in later] == [(i, False) for i in range(9)]
    batcher.close()
    assert not [thread for thread in threading.enumerate() if thread is batcher._thread]


def test_after_closing_a_request_fails_at_once(batcher: MicroBatcher, paced: Paced) -> None:
    paced.gate.set()
    batcher.close()
    with pytest.raises(RuntimeError, match="the batcher is closed"):
        batcher.submit("late").result(0)  # type: ignore[arg-type]
    assert paced.batches == []


def test_no_request_slips_in_behind_the_end(batcher: MicroBatcher, paced: Paced) -> None:
    """Somebody closes between the question whether it is open and the queueing."""
    paced.gate.set()
    jobs, closing = batcher._jobs, threading.Thread(target=batcher.close)

    class Slow:
        get = staticmethod(jobs.get)

        @staticmethod
        def put(job: Any) -> None:
            if job is not None:
                closing.start()
                closing.join(0.3)
            jobs.put(job)

    batcher._jobs = Slow()  # type: ignore[assignment]
    assert batcher.submit("just in time").result(2) == ("just in time", False)  # type: ignore[arg-type]
    closing.join(WAIT)
    assert not closing.is_alive()


def test_the_real_predictor_behind_it(tiny_bundle: Path, tiny_images: Path) -> None:
    predictor = Predictor(tiny_bundle)
    items = [predictor.prepare(path) for path in sorted(tiny_images.rglob("*.png"))[:12]]
    batcher = MicroBatcher(predictor)
    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(lambda item: batcher.submit(item, explain=True).result(WAIT), items))
    batcher.close()
    for item, outcome in zip(items, outcomes, strict=True):
        expected = predictor.run([item])[0].prediction
        assert outcome.prediction.input_sha256 == item.input_sha256
        assert outcome.prediction.probabilities == pytest.approx(expected.probabilities, abs=0.01)
        assert outcome.heat_map is not None


@pytest.mark.parametrize("cold", [False, True])
def test_every_size_of_batch_is_warm_before_the_first_request(paced: Paced, cold: bool) -> None:
    paced.cold = cold
    paced.gate.set()
    batcher = MicroBatcher(paced, max_batch=4)  # type: ignore[arg-type]
    deadline = time.monotonic() + WAIT
    while not cold and len(paced.warmed) < 4 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert sorted(paced.warmed) == ([] if cold else [1, 2, 3, 4])
    # Warming up that fails costs nobody an answer.
    assert batcher.submit("a").result(WAIT) == ("a", False)  # type: ignore[arg-type]
    batcher.close()
