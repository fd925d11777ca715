"""How often the 95 % intervals of `lince evaluate` hold the truth, by figure and method, in 1,000 made-up studies.

Scores are normal, one and a fifth standard deviations higher for the ill, three in ten images; probabilities are the
true ones. The truth of every figure then follows from the normal distribution. In the studies with patients, each has
two images of one diagnosis whose scores resemble each other (correlation 0.5).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from lince.core.types import LabelSpace
from lince.evaluation import Assessment, assess

Floats = NDArray[np.float64]

LABELS = LabelSpace(("well", "ill"), "ill")
SHARE, DISTANCE, CUT, PREVALENCE = 0.3, 1.2, 0.3, 0.05
# Images, and images of a patient.
STUDIES = {"400 images": (400, 1), "100 images": (100, 1), "400 images of 200 patients": (400, 2)}


def run(*, quick: bool = False) -> dict[str, Any]:
    draws = 20 if quick else 1_000
    found = {name: _coverage(*size, draws) for name, size in STUDIES.items()}
    for name, rows in found.items():
        print(f"  {name}")
        for figure, row in rows.items():
            print(f"    {figure:<22} {row['coverage']:.3f} of {row['intervals']}  {row['method']}")
    return found


def _coverage(images: int, each: int, draws: int) -> dict[str, Any]:
    target = truths()
    held, told, methods = Counter[str](), Counter[str](), {name: Counter[str]() for name in target}
    for seed in range(draws):
        study = measured(images, each, seed)
        for name, value in target.items():
            estimate = getattr(study, name)
            if estimate.low is not None and estimate.high is not None:
                told[name] += 1
                held[name] += estimate.low <= value <= estimate.high
                methods[name][estimate.method or ""] += 1
    return {
        name: {
            "coverage": held[name] / told[name],
            "intervals": told[name],
            "method": methods[name].most_common(1)[0][0],
        }
        for name in target
        if told[name]
    }


def measured(images: int, each: int, seed: int) -> Assessment:
    """One study: ``each`` images of a patient."""
    rng = np.random.default_rng(seed)
    ill = np.repeat(rng.random(images // each) < SHARE, each)
    own = rng.normal(size=ill.size)
    shared = np.repeat(rng.normal(size=images // each), each)
    score = (own if each == 1 else np.sqrt(0.5) * (own + shared)) + DISTANCE * ill
    likely = probability(score)
    groups = None if each == 1 else [f"p{number}" for number in np.repeat(np.arange(images // each), each)]
    truth = [LABELS.names[int(one)] for one in ill]
    return assess(
        truth, np.stack([1 - likely, likely], axis=1), LABELS, threshold=CUT, groups=groups, prevalence=PREVALENCE
    )


def probability(score: Floats) -> Floats:
    """Of being ill, given the score."""
    odds = np.log(SHARE / (1 - SHARE)) + DISTANCE * score - DISTANCE**2 / 2
    return np.asarray(1 / (1 + np.exp(-odds)))


def truths() -> dict[str, float]:
    """Every figure of the whole population."""
    grid = np.linspace(-9, 11, 200_001)
    step = grid[1] - grid[0]
    ill, well = SHARE * norm.pdf(grid - DISTANCE) * step, (1 - SHARE) * norm.pdf(grid) * step
    likely = probability(grid)
    above_ill, above_well = SHARE * norm.sf(grid - DISTANCE), (1 - SHARE) * norm.sf(grid)
    called = likely >= CUT
    tp, fp = float(ill[called].sum()), float(well[called].sum())
    fn, tn = SHARE - tp, 1 - SHARE - fp
    hit, spared = tp / SHARE, tn / (1 - SHARE)
    matthews = (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    f1 = (2 * tp / (2 * tp + fp + fn), 2 * tn / (2 * tn + fp + fn))
    return {
        "sensitivity": hit, "specificity": spared, "accuracy": tp + tn, "ppv": tp / (tp + fp), "npv": tn / (tn + fn),
        "auc": float(norm.cdf(DISTANCE / np.sqrt(2))),
        "average_precision": float((ill / SHARE * above_ill / (above_ill + above_well)).sum()),
        "balanced_accuracy": (hit + spared) / 2, "f1": f1[0], "macro_f1": sum(f1) / 2, "mcc": float(matthews),
        "lr_positive": hit / (1 - spared), "lr_negative": (1 - hit) / spared,
        "ppv_at_prevalence": hit * PREVALENCE / (hit * PREVALENCE + (1 - spared) * (1 - PREVALENCE)),
        "npv_at_prevalence": spared * (1 - PREVALENCE) / (spared * (1 - PREVALENCE) + (1 - hit) * PREVALENCE),
        "brier": float((ill * (1 - likely) ** 2 + well * likely**2).sum()),
        "log_loss": float(-(ill * np.log(likely) + well * np.log1p(-likely)).sum()),
        "calibration_slope": 1.0, "calibration_intercept": 0.0,
    }  # fmt: skip
