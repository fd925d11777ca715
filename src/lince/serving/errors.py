"""What can be wrong with a request, before any image is read."""

from __future__ import annotations

from typing import final

from lince.core.errors import LinceError


@final
class UploadError(LinceError):
    """A request that does not carry exactly one image."""

    kind = "upload"
    status = 422


@final
class MediaTypeError(LinceError):
    """A body of a kind that cannot hold an image."""

    kind = "media-type"
    status = 415


@final
class HostError(LinceError):
    """A request for another host name: a sign of DNS rebinding."""

    kind = "host"
    status = 421


@final
class OriginError(LinceError):
    """A request that another web site makes in the user's browser."""

    kind = "origin"
    status = 403


@final
class SlowRequestError(LinceError):
    """A body that stopped arriving."""

    kind = "slow-request"
    status = 408
