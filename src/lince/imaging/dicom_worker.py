"""The process that decodes DICOM for others: ``python -m lince.imaging.dicom_worker``.

Requests come on standard input, answers go to what was standard output; see `lince.imaging.framing`. It may use a
bounded amount of memory, leaves no core dump (pixels are patients' data), and ends when its input is closed.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import IO, Any

from lince.core.errors import ImageError
from lince.core.settings import max_pixels
from lince.imaging.framing import receive, send

_BASE_BYTES = 1 << 30
_BYTES_PER_PIXEL = 24  # three int32 planes of a JPEG 2000 decoder, and as much again for copies


def address_space(pixels: int) -> int:
    """Bytes of address space that decoding a picture of so many pixels may take."""
    return _BASE_BYTES + _BYTES_PER_PIXEL * pixels


def _restrain(pixels: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupted parent closes the pipe
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = address_space(pixels)
        resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))
    except (ImportError, ValueError, OSError):  # Windows has none, macOS refuses some: the time limit remains
        pass


def answer(data: bytes, pixels: int) -> tuple[dict[str, Any], memoryview]:
    """Decode one file into the head and the body of an answer; a refusal is an answer too."""
    from lince.imaging.dicom_read import read_dicom

    try:
        array, attributes = read_dicom(data, pixels)
    except ImageError as error:
        return {"problem": error.problem, "fix": error.fix}, memoryview(b"")
    except MemoryError:
        return {"problem": "This DICOM file needs more memory to decode than is allowed"}, memoryview(b"")
    head = {"shape": array.shape, "dtype": array.dtype.name, "attributes": attributes}
    return head, memoryview(array.tobytes())


def _serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    send(answers, {"ready": True})
    while True:
        try:
            head, data = receive(requests, sys.maxsize)
        except EOFError:
            return
        send(answers, *answer(bytes(data), int(head["max_pixels"])))


def main() -> None:
    """Answer until the input is closed."""
    _restrain(max_pixels())
    sys.modules["gdcm"] = None  # type: ignore[assignment]  # pydicom would import it, and it aborts on damaged files
    import lince.imaging.dicom_read  # noqa: F401  before the first request, so that its time does not count

    # What a C library prints must not end up between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
