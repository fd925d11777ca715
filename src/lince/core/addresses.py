"""Addresses that may carry a password, made fit to be shown."""

from __future__ import annotations

# The only things after the question mark that are lince's own and no secret.
_SHOWN = ("target", "root")


def without_credentials(text: str) -> str:
    """``mongodb://user:secret@host/db?target=type&tls=true`` as ``mongodb://host/db?target=type``.

    Text without ``://`` stays as it is. Everything before the last ``@`` goes, however badly it is escaped, and so
    does every option that is not lince's own, since options may hold secrets too.
    """
    scheme, mark, rest = text.partition("://")
    if not mark:
        return text
    place, _, query = rest.rpartition("@")[2].partition("?")
    shown = [piece for piece in query.split("&") if piece.partition("=")[0] in _SHOWN]
    return f"{scheme}://{place}" + (f"?{'&'.join(shown)}" if shown else "")
