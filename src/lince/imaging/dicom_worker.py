"""The process that decodes DICOM for others: ``python -m lince.imaging.dicom_worker``.

Requests come on standard input, answers go to what was standard output; see `lince.imaging.framing`. It may use a
bounded amount of memory, leaves no core dump (pixels are patients' data), and ends when its input is closed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any

from lince.core.errors import ImageError
from lince.core.settings import max_pixels
from lince.imaging.framing import receive, send

if TYPE_CHECKING:
    from lince.imaging.dicom_read import FrameReader

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


def answer(head: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """Do what is asked; a refusal is an answer too.

    Parameters
    ----------
    head
        With ``headers``, a list of paths: what their headers say, as JSON. With ``path`` and ``frame``: that frame of
        that file. Else the picture in ``data``. Pictures also need ``max_pixels``.
    data
        A file, where there is no path.

    Returns
    -------
    head
        ``shape``, ``dtype`` and ``attributes`` of a picture, or ``problem`` and ``fix``.
    body
        Its pixels, or the JSON.
    """
    from lince.imaging import dicom_header, dicom_read

    try:
        if "headers" in head:
            return {}, json.dumps([dicom_header.read_header(path) for path in head["headers"]]).encode()
        if "path" in head:
            array, attributes = _frames().read(head["path"], head["frame"], head["max_pixels"])
        else:
            _frames().forget()
            array, attributes = dicom_read.read_dicom(data, head["max_pixels"])
    except ImageError as error:
        return {"problem": error.problem, "fix": error.fix}, b""
    except MemoryError:
        return {"problem": "This DICOM file needs more memory to decode than is allowed", "fix": None}, b""
    return {"shape": array.shape, "dtype": array.dtype.name, "attributes": attributes}, array.tobytes()


@lru_cache(maxsize=1)
def _frames() -> FrameReader:
    """The file whose frames are being read; one for the process."""
    from lince.imaging.dicom_read import FrameReader

    return FrameReader()


def _serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    send(answers, {"ready": True})
    while True:
        try:
            head, data = receive(requests, sys.maxsize)
        except EOFError:
            return
        send(answers, *answer(head, bytes(data)))


def main() -> None:
    """Answer until the input is closed."""
    _restrain(max_pixels())
    sys.modules["gdcm"] = None  # type: ignore[assignment]  # pydicom would import it, and it aborts on damaged files
    # Before the first request, so that their time does not count.
    import lince.imaging.dicom_header
    import lince.imaging.dicom_read  # noqa: F401

    # What a C library prints must not end up between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
