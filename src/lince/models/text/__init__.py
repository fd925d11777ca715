"""Text sides: what turns a caption into numbers that a linear head can read, each behind one protocol."""

from lince.models.text.masking import hidden_terms, hide
from lince.models.text.reader import Fusion, TextReader
from lince.models.text.side import Rows, SeesImages, TextSide, tidy
from lince.models.text.table import check_sides, restore_side, side_names

__all__ = [
    "Fusion",
    "Rows",
    "SeesImages",
    "TextReader",
    "TextSide",
    "check_sides",
    "hidden_terms",
    "hide",
    "restore_side",
    "side_names",
    "tidy",
]
