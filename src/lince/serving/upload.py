"""From a request to the one image it carries."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from lince.serving.errors import MediaTypeError, UploadError

FIELDS = ("file", "image")
_NAME_LENGTH = 200
_PARTS = 16
CAPTION = "caption"
_CAPTION_LENGTH = 5000
_WITH_CURL = "send it as the form field 'file': curl -F file=@scan.png"


@final
@dataclass(frozen=True, slots=True)
class Upload:
    """The bytes of one file, and what to call it; a caption beside them, or instead of them (``data`` is None)."""

    name: str
    data: bytes | None
    caption: str | None = None


async def read_upload(request: Request, name: str | None = None, caption: str | None = None) -> Upload:
    """Read image and caption out of a multipart form, or take the body itself as the image.

    Parameters
    ----------
    name
        What to call the image when the body has no file name of its own.
    caption
        What the address says of the image; the form may say it instead.

    Raises
    ------
    UploadError
        Neither file nor caption, an empty file, several files or captions, or a caption over 5,000 characters.
    MediaTypeError
        A body that is neither a form nor an image.
    UploadTooLargeError
        More bytes than allowed.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        # The whole body first, which the limit bounds: a form parser that is interrupted leaves temporary files open.
        await request.body()
        async with request.form(max_files=_PARTS, max_fields=_PARTS) as form:
            said = _caption([*form.getlist(CAPTION), *([] if caption is None else [caption])])
            if CAPTION in form and not any(_holds_file(value) for field in FIELDS for value in form.getlist(field)):
                if said is None:
                    raise UploadError("The caption is empty", fix="send words, an image or both")
                return Upload(CAPTION, None, said)
            file = _only_file(form)
            upload = Upload(clean_name(file.filename or name), await file.read(), said)
    elif not kind or kind.startswith("image/") or kind in ("application/dicom", "application/octet-stream"):
        said = _caption([] if caption is None else [caption])
        upload = Upload(clean_name(name), await request.body(), said)
        if said is not None and not upload.data:
            return Upload(CAPTION, None, said)
    else:
        raise MediaTypeError(
            "An image comes as a form (multipart/form-data) or as the body itself (image/*, application/dicom, "
            "application/octet-stream)",
            received=kind,
            fix=_WITH_CURL,
        )
    if not upload.data and not kind.startswith("multipart/"):
        raise UploadError("The request has no body", received="0 bytes", fix=_WITH_CURL)
    if not upload.data:
        raise UploadError("The file is empty", received=upload.name, fix="send an image")
    return upload


def clean_name(name: str | None) -> str:
    """A file name as it may be shown: no folders, no control characters, not endless."""
    tail = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(c for c in tail if not unicodedata.category(c).startswith("C")).strip()
    return shown[:_NAME_LENGTH] or "image"


def _caption(values: Sequence[object]) -> str | None:
    found = [value for value in values if isinstance(value, str)]
    if len(found) > 1:
        raise UploadError("One request takes one caption", received=f"{len(found)} captions", fix="send one of them")
    text = " ".join(" ".join(found).split())
    if len(text) > _CAPTION_LENGTH:
        raise UploadError(
            "The caption is too long",
            received=f"{len(text)} characters",
            fix=f"send at most {_CAPTION_LENGTH}",
        )
    return text or None


def _holds_file(value: object) -> bool:
    """Not so where a web form was sent without a file having been chosen."""
    return not isinstance(value, UploadFile) or bool(value.filename) or bool(value.size)


def _only_file(form: FormData) -> UploadFile:
    entries = [(field, value) for field, value in form.multi_items() if field in FIELDS]
    files = [value for _, value in entries if isinstance(value, UploadFile)]
    if len(files) == 1:
        return files[0]
    if files:
        raise UploadError("One request takes one image", received=f"{len(files)} files", fix="send one after another")
    if entries:
        raise UploadError(
            f"The form field {entries[0][0]!r} holds text, not a file",
            fix="put @ before the path: curl -F file=@scan.png",
        )
    received = ", ".join(repr(field) for field in dict.fromkeys(form.keys())) or "an empty form"
    raise UploadError("The form has no file", received=received, fix=_WITH_CURL)
