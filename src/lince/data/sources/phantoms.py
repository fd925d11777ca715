"""Source ``phantoms``: the embedded synthetic collection, written by `lince.data.write_phantoms`."""

from __future__ import annotations

from lince.core.errors import SourceError
from lince.data.collection import Collection
from lince.data.sources import folder
from lince.data.sources.marker import read_marker
from lince.data.sources.request import Request


def recognises(location: str) -> bool:
    """Never by itself: a folder of phantoms says so in its marker, which the source ``folder`` reads too."""
    del location
    return False


def read(request: Request) -> Collection:
    """Read a folder of phantoms, and refuse any other.

    Raises
    ------
    SourceError
        The folder has no marker that calls its images synthetic.
    """
    marker = read_marker(request.path)
    if request.path.is_dir() and not marker.synthetic:
        raise SourceError(
            "This folder does not hold phantoms",
            received=request.location,
            fix="make some with lince.data.write_phantoms(folder), or read it as folder:PATH",
        )
    return folder.read(request)
