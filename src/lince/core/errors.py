"""Errors that name the fix: what is wrong, what was received, what to do."""

from __future__ import annotations

from typing import ClassVar


class LinceError(Exception):
    """The one error a user of lince meets.

    The command line prints it on one line and exits with 2; the web service answers it as problem JSON (RFC 9457).

    Parameters
    ----------
    problem
        What is wrong, a sentence without a full stop.
    received
        What was given, shown as is; leave out when the problem already says it.
    fix
        What to do about it, a sentence without a full stop.
    """

    kind: ClassVar[str] = "error"
    status: ClassVar[int] = 400

    def __init__(self, problem: str, *, received: object = None, fix: str | None = None) -> None:
        self.problem = _without_stop(problem)
        self.received = None if received is None else str(received)
        self.fix = _without_stop(fix) if fix else None
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """The whole message on one line."""
        text = self.problem
        if self.received is not None:
            text += f" (received: {self.received})"
        if self.fix:
            text += f"; {self.fix}"
        text = " ".join(text.split())
        return text if text.endswith(("?", "...")) else f"{text}."


def _without_stop(text: str) -> str:
    """Without the full stop at the end; an ellipsis stays."""
    return text if text.endswith("...") else text.removesuffix(".")


class SourceError(LinceError):
    """A source that cannot be read as a collection."""

    kind = "source"


class ImageError(LinceError):
    """Bytes that cannot be turned into an image."""

    kind = "image"
    status = 422


class BundleError(LinceError):
    """A bundle that is missing, damaged, or newer than this version."""

    kind = "bundle"
    status = 500


class ConfigError(LinceError):
    """An option with a value that is not allowed."""

    kind = "config"


class TrainingError(LinceError):
    """A training run that cannot start or go on."""

    kind = "training"


class ExportError(LinceError):
    """A network that cannot be written for other software, or would predict something else there."""

    kind = "export"


class OutputError(LinceError):
    """A place that cannot be written: no permission, no room."""

    kind = "output"
    status = 507


class MissingExtraError(LinceError):
    """A feature whose optional package is not installed."""

    kind = "missing-extra"
    status = 501


class ModelUnavailableError(LinceError):
    """Pretrained weights that are neither on this machine nor within reach."""

    kind = "model-unavailable"
    status = 503


class UploadTooLargeError(LinceError):
    """A request body over the limit."""

    kind = "upload-too-large"
    status = 413
