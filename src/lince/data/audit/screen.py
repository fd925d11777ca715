"""The audit on one screen of a terminal: 24 lines of 80 columns at most."""

from __future__ import annotations

from lince.core.types import LabelSpace
from lince.data.audit.findings import Audit
from lince.data.audit.telling import answer, in_order, tell
from lince.data.audit.texts import SEVERITY_WORDS, Wording

COLUMNS = 80
# Room for the head, the answer, the places and what the shell adds.
_FINDINGS = 14
_MARGIN = 9


def summary_lines(audit: Audit, labels: LabelSpace, wording: Wording) -> list[str]:
    """What was audited, the answer, and the findings, the worst first, one line each."""
    lines = []
    if audit.synthetic:
        lines.append(wording.say("SYNTHETIC images, made by a program: not patients."))
    seconds = wording.number(audit.seconds, 0 if audit.seconds >= 10 else 1)
    lines.append(
        wording.say(
            "{name}: {images:# image|# images}, {classes:# class|# classes}, looked at in {seconds} s",
            name=audit.name,
            images=audit.images,
            classes=len(labels),
            seconds=seconds,
        )
    )
    lines += [answer(audit, wording), ""]
    order = [finding for finding, _ in in_order(audit.findings)]
    for finding in order[:_FINDINGS]:
        word = wording.say(SEVERITY_WORDS[finding.severity])
        mark = word.upper() if finding.severity == "severe" else word
        lines.append(f"{mark:<{_MARGIN}}{tell(finding, wording, source=audit.source).line}")
    if len(order) > _FINDINGS:
        lines.append(" " * _MARGIN + wording.say("{n:and # more|and # more}", n=len(order) - _FINDINGS))
    if order:
        lines.append("")
    return [_shortened(line) for line in lines]


def _shortened(line: str) -> str:
    line = line.replace("\N{NO-BREAK SPACE}", " ")  # not every terminal knows it
    return line if len(line) <= COLUMNS else line[: COLUMNS - 1].rstrip() + "…"
