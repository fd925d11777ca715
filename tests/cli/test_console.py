"""What the terminal says of a prediction."""

from __future__ import annotations

from lince.cli.console import warnings
from lince.core.types import Prediction


def told(classes: tuple[str, ...]) -> str:
    names = [f"class {number}" for number in range(21)]
    flags = () if classes == ("class 0",) else ("cannot_tell",)
    return warnings(Prediction("a.png", "class 0", 0.3, dict.fromkeys(names, 1 / 21), flags, prediction_set=classes))


def test_a_large_prediction_set_is_told_in_few_words() -> None:
    assert told(("class 0", "b", "c")) == "  CANNOT TELL: class 0 or b or c"
    assert told(("b",)) == "  CANNOT TELL: class 0 or b", "what was decided is named, though the set excludes it"
    many = tuple(f"class {number}" for number in range(17))
    assert told(many) == "  CANNOT TELL: one of 17 classes, most likely class 0 or class 1 or class 2"
    assert told(("class 0",)) == ""
    assert told(()) == "  CANNOT TELL: no class fits well"
