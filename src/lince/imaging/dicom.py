"""DICOM, decoded in worker processes: the one format whose decoders a damaged file can bring down."""

from __future__ import annotations

import atexit
import math
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

import numpy as np

from lince.core.errors import ImageError, LinceError
from lince.core.settings import max_pixels, worker_count
from lince.imaging.decoded import Decoded, Pixels
from lince.imaging.framing import receive, send

DECODE_SECONDS = 60.0
_START_SECONDS = 120.0
_END_SECONDS = 2.0
_COMMAND = (sys.executable, "-P", "-m", "lince.imaging.dicom_worker")


class WorkerLostError(Exception):
    """The worker ended, or was ended because it took too long."""


class _Worker:
    """One decoding process; used by one thread at a time."""

    def __init__(self) -> None:
        # One thread each: the pool is the parallelism, and OpenBLAS reserves address space for every thread.
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # decoders quote the file there
            env=environment,
        )
        try:
            self._exchange(None, _START_SECONDS)
        except WorkerLostError as error:
            self.close()
            raise LinceError(
                "The DICOM decoder cannot be started",
                received=" ".join(_COMMAND[1:]),
                fix="check that lince is installed in this Python and that memory is free",
            ) from error

    @property
    def alive(self) -> bool:
        """Whether the process still runs; the system may have ended it while it was idle."""
        return self._process.poll() is None

    def ask(self, request: dict[str, Any], data: bytes, seconds: float) -> tuple[dict[str, Any], bytearray]:
        """Have one request answered; see `lince.imaging.dicom_worker.answer`."""
        return self._exchange((request, data), seconds)

    def _exchange(
        self, message: tuple[dict[str, Any], bytes] | None, seconds: float
    ) -> tuple[dict[str, Any], bytearray]:
        requests, answers = _piped(self._process.stdin), _piped(self._process.stdout)
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        watchdog = threading.Timer(seconds, end)
        watchdog.daemon = True
        watchdog.start()
        try:
            if message is not None:
                send(requests, *message)
            return receive(answers, 6 * max_pixels())
        except BaseException as error:
            self._process.kill()  # an answer that nobody read must not meet the next question
            if isinstance(error, EOFError | OSError | ValueError):
                raise WorkerLostError("took too long" if late.is_set() else "stopped") from error
            raise
        finally:
            watchdog.cancel()

    def close(self) -> None:
        """Close the pipes, upon which an idle process ends; kill it when it does not."""
        for stream in (self._process.stdin, self._process.stdout):
            try:
                _piped(stream).close()
            except OSError:  # what was left to flush has nowhere to go
                pass
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _piped(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("the process was started without pipes")
    return stream


class _Pool:
    """Workers, started when first needed and kept; at most `worker_count` at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: threading.BoundedSemaphore | None = None
        self._idle: list[_Worker] = []

    def ask(self, request: dict[str, Any], data: bytes, seconds: float) -> tuple[dict[str, Any], bytearray]:
        """Hand one request to an idle worker, or to a new one."""
        with self._lock:
            self._places = self._places or threading.BoundedSemaphore(worker_count())
        with self._places:
            worker = self._take() or _Worker()
            try:
                answer = worker.ask(request, data, seconds)
            except BaseException:
                worker.close()
                raise
            with self._lock:
                self._idle.append(worker)
            return answer

    def _take(self) -> _Worker | None:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.alive:
                    return worker
                worker.close()
        return None

    def close(self) -> None:
        """End the idle workers."""
        with self._lock:
            idle, self._idle, self._places = self._idle, [], None
        for worker in idle:
            worker.close()


_pool = _Pool()


def ask_worker(request: dict[str, Any], *, seconds: float) -> tuple[dict[str, Any], bytearray]:
    """Have a worker process answer a request without data; see `lince.imaging.dicom_worker.answer`.

    Raises
    ------
    WorkerLostError
        The worker ended over it, or took too long.
    """
    return _pool.ask(request, b"", seconds)


def _forget() -> None:
    """A forked child must not talk on its parent's pipes."""
    global _pool
    _pool = _Pool()


def close_workers() -> None:
    """End the decoding processes; the next file starts new ones."""
    _pool.close()


atexit.register(close_workers)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def decode_dicom(data: bytes, name: str, *, seconds: float = DECODE_SECONDS) -> Decoded:
    """Decode a single-frame DICOM file as a viewer would first show it.

    Modality LUT, first VOI LUT or window, nominal range, polarity, padding to black (PS3.4, N.2).

    Parameters
    ----------
    data
        The file.
    name
        What messages call it.
    seconds
        After which the decoder is ended.

    Raises
    ------
    ImageError
        It holds no single picture that can be decoded, or its decoder stopped or took too long.
    """
    return _picture({"max_pixels": max_pixels()}, data, name, seconds)


def decode_frame(path: str | Path, frame: int, *, seconds: float = DECODE_SECONDS) -> Decoded:
    """Decode one frame of a DICOM file, with the rescale and window that it has for this frame.

    The worker keeps the file open for the next frame, so frames are best asked for in order.

    Parameters
    ----------
    path
        Where the file is; the worker reads it.
    frame
        Which one, from 0.
    seconds
        After which the decoder is ended.

    Raises
    ------
    ImageError
        The file cannot be read, has no such frame, or the frame cannot be decoded.
    """
    # A worker may have been started in another working folder.
    request = {"max_pixels": max_pixels(), "path": os.path.abspath(path), "frame": frame}  # noqa: PTH100
    return _picture(request, b"", str(path), seconds)


def _picture(request: dict[str, Any], data: bytes, name: str, seconds: float) -> Decoded:
    try:
        head, body = _pool.ask(request, data, seconds)
    except WorkerLostError as error:
        raise ImageError(
            f"The decoder {error} on this DICOM file, which is probably damaged", received=name, fix="export it again"
        ) from error
    if "problem" in head:
        raise ImageError(str(head["problem"]), received=name, fix=head.get("fix"))
    shape = tuple(int(side) for side in head["shape"])
    if head["dtype"] not in ("uint8", "uint16") or math.prod(shape) * np.dtype(head["dtype"]).itemsize != len(body):
        raise ImageError("The decoder's answer on this DICOM file makes no sense", received=name)
    pixels: Pixels = np.frombuffer(body, np.uint8) if head["dtype"] == "uint8" else np.frombuffer(body, np.uint16)
    return Decoded(pixels.reshape(shape), "DICOM", {str(k): str(v) for k, v in head["attributes"].items()})
