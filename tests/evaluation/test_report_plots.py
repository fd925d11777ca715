from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from lince.core.types import LabelSpace
from lince.evaluation import assess, curves, plots
from lince.evaluation.drawing import Picture
from lince.evaluation.lettering import drawable, short_names
from lince.evaluation.texts import translator

HARD_NAMES = [
    ("benign", "malignant"),
    ("$x_1$ {", "100% \\frac{"),
    ("脳の画像", "क्षेत्र", "😀", "عربي"),
    tuple(f"a very long name of a region of the body, number {i}" for i in range(21)),
    ("line\nbreak", "tab\tname", "bad\udc80byte"),
]
SAY = translator("en")


def size(drawn: Picture) -> tuple[int, int]:
    """Of the PNG, after a look at the SVG."""
    root = ElementTree.fromstring(drawn.svg)
    assert root.tag.endswith("svg")
    assert len(list(root.iter())) > 50
    with Image.open(io.BytesIO(drawn.png)) as image:
        image.load()
        return image.size


@pytest.mark.parametrize("names", HARD_NAMES, ids=["plain", "dollars", "scripts", "many", "controls"])
@pytest.mark.parametrize("first_is_positive", [True, False])
def test_any_class_names_are_drawn(trial: Callable[..., Any], names: tuple[str, ...], first_is_positive: bool) -> None:
    made = trial(names, names[0] if first_is_positive else None, n=63)
    drawn = [
        plots.confusion_matrix(made.assessment, SAY),
        curves.roc(made.assessment, made.index, made.probabilities, SAY),
        curves.precision_recall(made.assessment, made.index, made.probabilities, SAY),
        plots.calibration(made.assessment, SAY),
    ]
    if first_is_positive:
        drawn.append(curves.decision(made.assessment, SAY))
    assert min(min(size(one)) for one in drawn) > 500


def test_names_stay_apart_when_shortened() -> None:
    shown = short_names([f"a very long name that differs {i} only in the middle of it" for i in range(5)])
    assert len(set(shown)) == 5
    assert max(map(len, shown)) <= 26
    assert short_names(["benign", "脳"])[1].startswith("2. ")


def test_drawable_text() -> None:
    assert drawable("a\n b\t$c$") == "a b \\$c\\$"
    assert "\ue000" not in drawable("x\ue000")


def test_one_side_only_still_draws(trial: Callable[..., Any]) -> None:
    made = trial(n=40)
    for draw in (curves.roc, curves.precision_recall):
        empty = draw(made.assessment, np.zeros(40, dtype=np.intp), made.probabilities, SAY)
        full = draw(made.assessment, np.ones(40, dtype=np.intp), made.probabilities, SAY)
        assert empty.png == full.png != draw(made.assessment, made.index, made.probabilities, SAY).png


def test_the_same_figures_give_the_same_bytes_in_another_process(trial: Callable[..., Any]) -> None:
    drawn = curves.decision(trial().assessment, SAY)
    code = (
        "import sys\nfrom lince.evaluation import Assessment, curves\n"
        "found = Assessment.model_validate_json(sys.stdin.buffer.read())\n"
        "sys.stdout.buffer.write(curves.decision(found, str).svg)"
    )
    given = trial().assessment.model_dump_json().encode()
    other = subprocess.run([sys.executable, "-c", code], input=given, capture_output=True, check=True)
    assert other.stdout == drawn.svg
    assert b"date" not in drawn.svg.lower()


def test_many_images_make_no_large_picture() -> None:
    rng = np.random.default_rng(0)
    index, score = rng.integers(0, 2, 20_000), rng.random(20_000)
    table, labels = np.stack([1 - score, score], axis=1), LabelSpace(("a", "b"), "b")
    found = assess([labels.names[i] for i in index], table, labels, threshold=0.5)
    for draw in (curves.roc, curves.precision_recall):
        assert len(draw(found, index, table, SAY).svg) < 200_000


def epochs(*values: float, best: int | None = None) -> list[dict[str, Any]]:
    return [
        {"phase": "head", "epoch": i, "train_loss": v, "val_loss": v, "val_auc": v, "best": i == best}
        for i, v in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("history", "best"),
    [
        (epochs(0.5, 0.9, 0.4), 2),
        (epochs(0.5, 0.9, 0.4, best=1), 2),
        ([{**row, "best": True} for row in epochs(0.5, 0.3, 0.6)], 3),
        ([{"val_auc": auc} for auc in (0.7, 0.9, 0.8)], 2),
        (epochs(0.5), 1),
        (epochs(float("nan"), float("nan")), None),
        ([{"phase": "head", "epoch": 1}], None),
    ],
)
def test_training_curves_and_the_best_epoch(history: list[dict[str, Any]], best: int | None) -> None:
    assert plots._best_epoch(history) == best
    assert min(size(plots.training_curves(history, SAY))) > 500


def test_several_threads_draw_the_same(trial: Callable[..., Any]) -> None:
    made = trial()
    expected = plots.calibration(made.assessment, SAY)
    drawn: list[Picture] = []
    threads = [threading.Thread(target=lambda: drawn.append(plots.calibration(made.assessment, SAY))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert drawn == [expected] * 3
