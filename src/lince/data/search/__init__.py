"""Images found by what is written about them, without a network or an index on disk."""

from lince.data.search.text import TextFound, TextHit, search_text

__all__ = ["TextFound", "TextHit", "search_text"]
