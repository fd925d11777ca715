"""What an audit finds, as plain values: sentences and pictures are made of them elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["severe", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("severe", "warning", "note")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Images to show side by side for one case of a finding.

    Attributes
    ----------
    members
        Positions in the collection.
    values
        What is particular to this case (a similarity, a box), ready for JSON.
    """

    members: tuple[int, ...]
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or worth knowing.

    Attributes
    ----------
    kind
        Its stable name, a key of the table of sentences: ``conflicting-labels``, ``shortcut``, ...
    severity
        ``severe``: results would be wrong. ``warning``: look before training. ``note``: good to know.
    count
        How many images it touches.
    values
        What the sentence needs, ready for JSON.
    evidence
        Cases, the worst first; a sample where there are many, ``cases`` says how many there are.
    cases
        Number of cases (pairs, groups, images) in all.
    """

    kind: str
    severity: Severity
    count: int
    values: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    cases: int = 0


@dataclass(frozen=True, slots=True)
class Probe:
    """How well one trivial fact predicts the label.

    Attributes
    ----------
    fact
        ``width``, ``aspect``, ``format``, ``mean``, ...
    about
        ``container`` (the file, its size, its header: never a sign of disease), ``frame`` (border, burned-in text)
        or ``content`` (brightness and contrast, which disease may change).
    auc
        Cross-validated; one against the rest, the class that it gives away the most.
    low, high
        95 % interval of ``auc``.
    label
        That class.
    detail
        The telling values in words, such as ``PNG in 98 % of malignant, 3 % of the others``.
    """

    fact: str
    about: Literal["container", "frame", "content"]
    auc: float
    low: float
    high: float
    label: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Audit:
    """The outcome of an audit.

    Attributes
    ----------
    findings
        The worst first.
    probes
        Every fact that was tried, the most telling first.
    facts
        Tables for the page, ready for JSON: ``classes``, ``splits``, ``groups``, ``attributes`` by class, histograms.
    seconds
        That it took.
    """

    name: str
    source: str
    images: int
    synthetic: bool
    findings: tuple[Finding, ...]
    probes: tuple[Probe, ...]
    facts: Mapping[str, Any]
    seconds: float
    against: str | None = None

    def worst(self) -> Severity | None:
        """The highest severity among the findings."""
        present = {finding.severity for finding in self.findings}
        return next((severity for severity in SEVERITIES if severity in present), None)
