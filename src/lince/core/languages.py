"""The languages that a browser asks for."""

from __future__ import annotations

_HEADER_LENGTH = 1000  # characters of Accept-Language that are looked at


def preferred(header: str) -> list[str]:
    """Languages of an Accept-Language header, best first (RFC 9110, section 12.5.4); those of quality 0 left out."""
    ranked = []
    for entry in header[:_HEADER_LENGTH].split(","):
        tag, _, rest = entry.partition(";")
        quality = _quality(rest)
        if tag.strip() and quality > 0:
            ranked.append((tag.strip().replace("-", "_"), quality))
    return [tag for tag, _ in sorted(ranked, key=lambda pair: -pair[1])]


def _quality(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if not name.strip():
        return 1.0
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
