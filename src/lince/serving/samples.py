"""Images to try: a folder that is listed once, so that no request can name a file outside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, final

from lince.core.errors import ConfigError, ImageError
from lince.core.logs import logger
from lince.imaging import IMAGE_SUFFIXES
from lince.serving.pictures import encode_preview

if TYPE_CHECKING:
    from lince.inference import Predictor

_MOST = 24
_THUMBNAIL_SIDE = 192
_MEDIA_TYPES = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".tif": "image/tiff", ".tiff": "image/tiff",
    ".bmp": "image/bmp", ".webp": "image/webp", ".dcm": "application/dicom",
}  # fmt: skip


@final
@dataclass(frozen=True)
class SampleShelf:
    """Sample images by name; ``files`` is the whole of what can be asked for."""

    files: Mapping[str, Path]

    @classmethod
    def of(cls, folder: Path | None) -> SampleShelf:
        """List the images of a folder and of its subfolders, at most 24.

        Raises
        ------
        ConfigError
            The folder does not exist.
        """
        if folder is None:
            return cls({})
        if not folder.is_dir():
            raise ConfigError("There is no such folder of sample images", received=folder)
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())
        return cls({path.relative_to(folder).as_posix(): path for path in found[:_MOST]})

    @staticmethod
    def media_type(path: Path) -> str:
        """What to call a sample's bytes."""
        return _MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")


@final
class Thumbnails:
    """Small pictures of the samples, of formats that no browser shows too; made when first asked for."""

    def __init__(self, shelf: SampleShelf, predictor: Predictor) -> None:
        self._shelf = shelf
        self._predictor = predictor
        self.of = lru_cache(maxsize=_MOST)(self._make)

    def _make(self, name: str) -> tuple[bytes, str] | None:
        """Bytes and media type; ``None`` for a sample that cannot be read."""
        path = self._shelf.files[name]
        try:
            return encode_preview(self._predictor.prepare(path, name=path.name).preview, side=_THUMBNAIL_SIDE)
        except ImageError as error:
            logger.warning("sample cannot be read", extra={"problem": error.problem})
            return None
