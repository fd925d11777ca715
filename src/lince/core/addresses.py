"""Addresses: which ones mean this computer, and those with a password made fit to be shown."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

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


def is_loopback(host: str) -> bool:
    """Whether a host name or address, without a port, means this computer only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def names_this_computer(header: str) -> bool:
    """Whether a Host header, with or without a port, is a name of this computer; another one is a rebound DNS name."""
    try:
        return is_loopback(urlsplit(f"//{header}").hostname or "")
    except ValueError:
        return False
