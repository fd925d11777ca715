"""How far another collection differs, and which images the two share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lince.core.events import EventBus
from lince.data.audit import kinds
from lince.data.audit.balance import attribute_values, difference_between
from lince.data.audit.findings import Evidence, Finding, Severity
from lince.data.audit.shortcuts import auc_interval
from lince.data.audit.survey import Survey
from lince.data.audit.twins import Looks, find_twins
from lince.data.collection import Collection

_SHOWN, _SHOWN_FACTS = 40, 8
_STATISTICS = ("width", "height", "aspect", "mean", "std", "white", "black", "sharpness", "border", "lettering")
_EFFECT, _P = 0.15, 0.01
_NOTE_AUC, _WARNING_AUC, _WARNING_EFFECT = 0.60, 0.80, 0.50
_MOST_ROWS = 4000
_SEED = 0


def drift_findings(
    collection: Collection,
    seen: Survey,
    looks: Looks,
    against: Collection,
    theirs: Survey,
    their_looks: Looks,
    *,
    bus: EventBus | None = None,
) -> list[Finding]:
    """Shared images, and the differences in statistics, embeddings, attributes and classes."""
    if not len(seen) or not len(theirs):
        return []
    findings = []
    twins = find_twins(looks, their_looks, turned=False, bus=bus)
    if twins:
        evidence = tuple(
            Evidence(
                (int(seen.kept[t.first]),),
                {
                    "theirs": [int(theirs.kept[t.second])],
                    "paths": [against.samples[int(theirs.kept[t.second])].path],
                    "relation": t.relation,
                    "similarity": t.similarity,
                },
            )
            for t in twins[:_SHOWN]
        )
        exact = sum(t.relation in ("file", "pixels") for t in twins)
        values = {"cases": len(twins), "exact": exact, "against": against.name}
        count = len({t.first for t in twins})
        findings.append(Finding(kinds.DUPLICATES_ACROSS_COLLECTIONS, "severe", count, values, evidence, len(twins)))
    shared = ({t.first for t in twins}, {t.second for t in twins})
    difference = _difference(collection, seen, looks, against, theirs, their_looks, shared)
    return findings if difference is None else [*findings, difference]


def _difference(
    collection: Collection,
    seen: Survey,
    looks: Looks,
    against: Collection,
    theirs: Survey,
    their_looks: Looks,
    shared: tuple[set[int], set[int]],
) -> Finding | None:
    """The difference, if there is one; ``shared`` are the rows of each that the other has too."""
    statistics = _statistics(seen, theirs)
    attributes = _attributes(collection, against)
    auc: float | None = None
    low = high = None
    evidence: tuple[Evidence, ...] = ()
    if looks.embeddings is not None and their_looks.embeddings is not None:
        # A copy on the other side tells the probe the wrong answer: images that both have are left out.
        own, others = (
            np.array([row for row in range(count) if row not in both], np.int64)
            for count, both in zip((len(seen), len(theirs)), shared, strict=True)
        )
        auc, low, high, odd = _two_samples(looks.embeddings[own], their_looks.embeddings[others])
        evidence = tuple(Evidence((int(seen.kept[own[row]]),)) for row in odd[:12])
    if not statistics and not attributes and (low or 0.0) < _NOTE_AUC:
        return None
    values: dict[str, Any] = {
        "against": against.name,
        "statistics": statistics,
        "auc": auc,
        "low": low,
        "high": high,
        "attributes": attributes,
        "classes": {"here": _shares(collection), "there": _shares(against)},
    }
    worst = max((s["effect"] for s in statistics), default=0.0)
    severity: Severity = "warning" if (low or 0) >= _WARNING_AUC or worst >= _WARNING_EFFECT else "note"
    return Finding(kinds.DRIFT, severity, len(against), values, evidence, len(statistics))


def _statistics(seen: Survey, theirs: Survey) -> list[dict[str, Any]]:
    sets = ["here"] * len(seen) + ["there"] * len(theirs)
    found: list[dict[str, Any]] = []
    for fact in _STATISTICS:
        here, there = seen.numbers[fact], theirs.numbers[fact]
        difference = difference_between([*here.tolist(), *there.tolist()], sets)
        if difference is None:
            continue
        p = min(1.0, difference.p * len(_STATISTICS))
        if difference.effect >= _EFFECT and p < _P:
            found.append(
                {
                    "fact": fact,
                    "here": float(np.median(here)),
                    "there": float(np.median(there)),
                    "effect": difference.effect,
                    "p": p,
                }
            )
    return sorted(found, key=lambda s: float(s["effect"]), reverse=True)[:_SHOWN_FACTS]


def _attributes(collection: Collection, against: Collection) -> list[dict[str, Any]]:
    ours, theirs = attribute_values(collection.samples), attribute_values(against.samples)
    found: list[dict[str, Any]] = []
    for name in sorted(set(ours) & set(theirs)):
        here = [value for value in ours[name] if value is not None]
        there = [value for value in theirs[name] if value is not None]
        if len({type(value) for value in (*here, *there)}) != 1:
            continue
        difference = difference_between([*here, *there], ["here"] * len(here) + ["there"] * len(there))
        if difference is not None and difference.effect >= _EFFECT and difference.p < _P:
            found.append(
                {"attribute": name, "measure": difference.measure, "effect": difference.effect, "p": difference.p}
            )
    return sorted(found, key=lambda a: float(a["effect"]), reverse=True)


def _two_samples(here: NDArray[np.float32], there: NDArray[np.float32]) -> tuple[float, float, float, Sequence[int]]:
    """AUC of a cross-validated probe that tells the two apart, its interval, and the rows here that it is surest of.

    A classifier two-sample test (Lopez-Paz & Oquab, ICLR 2017).
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(_SEED)
    ours = np.sort(rng.permutation(len(here))[:_MOST_ROWS])
    others = np.sort(rng.permutation(len(there))[:_MOST_ROWS])
    folds = min(5, len(ours), len(others))
    if folds < 2:
        return 0.5, 0.0, 1.0, []
    columns = np.concatenate([here[ours], there[others]]).astype(np.float64)
    sides = np.r_[np.zeros(len(ours), int), np.ones(len(others), int)]
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300, class_weight="balanced"))
    splitter = StratifiedKFold(folds, shuffle=True, random_state=_SEED)
    scores = cross_val_predict(probe, columns, sides, cv=splitter, method="decision_function")
    auc = float(roc_auc_score(sides, scores))
    low, high = auc_interval(auc, len(others), len(ours))
    return auc, low, high, ours[np.argsort(scores[: len(ours)], kind="stable")].tolist()


def _shares(collection: Collection) -> dict[str, float]:
    counts = collection.counts()
    return {name: count / max(1, len(collection)) for name, count in counts.items()}
