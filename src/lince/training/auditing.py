"""The quick part of the audit, which every training runs: what it found, in two lines at most."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from lince.core.events import EventBus, Noticed
from lince.data import Collection
from lince.data.audit import Finding, kinds, quick_findings
from lince.data.audit.telling import shown_source, tell
from lince.data.audit.texts import Wording
from lince.imaging import ImageArray

# Findings that a line names; the page of the audit has room for the others.
_NAMED = 3


def quick_audit(
    given: Collection, split: Collection, images: ImageArray, groups: Sequence[str] | None, bus: EventBus
) -> Collection:
    """Tell what the quick part of the audit finds, and note it for the report.

    Parameters
    ----------
    given
        The samples of ``images`` in their order, with the groups that the source gives.
    split
        The same samples with their final parts.
    images
        As decoded for training.
    groups
        Near-duplicates, where they were looked for.
    bus
        Hears at most two notices; severe findings as a warning.

    Returns
    -------
    Collection
        ``split`` with the same sentences among its notices.
    """
    trained = given.with_splits([sample.split for sample in split.samples])
    drawn = any(sample.split is None for sample in given.samples)
    findings = [f for f in quick_findings(trained, images, groups) if not _told_already(f, drawn=drawn)]
    for level, message in _lines(findings, shlex.quote(given.source)):
        bus.publish(Noticed(message, level))
    return split.with_notices(*(message for _, message in _lines(findings, shown_source(given.source))))


def _told_already(finding: Finding, *, drawn: bool) -> bool:
    """Whether it does no harm as the collection was split, or the split has notices of its own about it."""
    if finding.kind == kinds.CLASS_BALANCE:
        return bool(finding.values["absent"])
    return finding.kind == kinds.DUPLICATES or (finding.kind == kinds.GROUPS_MISSING and drawn)


def _lines(findings: Sequence[Finding], source: str) -> list[tuple[str, str]]:
    """Level and sentence: one for what is severe, one for the other warnings; the last says where to see more."""
    lines = []
    for severity, level in (("severe", "warning"), ("warning", "info")):
        told = [tell(finding, Wording(), source=source).line for finding in findings if finding.severity == severity]
        if told:
            more = f", and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
            lines.append((level, f"{'; '.join(told[:_NAMED])}{more}"))
    if lines:
        level, last = lines[-1]
        lines[-1] = (level, f"{last}. To see it: lince data audit {source}")
    return lines
