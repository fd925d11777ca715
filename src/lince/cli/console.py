"""What the terminal shows: a live bar for people, plain lines for files and pipes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

from lince.core.events import (
    EpochFinished,
    Event,
    EventBus,
    FileSkipped,
    Noticed,
    PhaseStarted,
    WorkAdvanced,
    WorkFinished,
    WorkStarted,
)
from lince.core.logs import logger
from lince.core.wording import quoted

if TYPE_CHECKING:
    from lince.core.types import Prediction
    from lince.evaluation import Assessment

_SKIPPED_SHOWN = 5
# Classes of a prediction set that are named.
_SETS_SHOWN = 3
# Images of a class under which its figures are anecdotes.
_FEW = 30


def complain(sentence: str) -> None:
    """One line on standard error."""
    print(f"lince: {printable(sentence)}", file=sys.stderr)  # noqa: T201


def printable(text: str) -> str:
    """A file name may hold a line break or a terminal's control codes: shown escaped, it cannot forge a line."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def warnings(prediction: Prediction) -> str:
    """What must be seen beside the class, on the terminal."""
    if prediction.blank:
        return "  BLANK IMAGE: it shows nothing"
    if prediction.refused:
        return f"  NOT THIS KIND OF IMAGE. {' '.join(prediction.reasons)}".rstrip()
    told = []
    if prediction.low_confidence:
        told.append("LOW CONFIDENCE")
    if "cannot_tell" in prediction.flags:
        possible = prediction.prediction_set or ()
        known = possible if not possible or prediction.label in possible else (prediction.label, *possible)
        told.append(f"CANNOT TELL: {_either(known) if known else 'no class fits well'}")
    if "refer" in prediction.flags:
        told.append("REFER TO A PERSON")
    if "conflict" in prediction.flags and prediction.image_alone is not None:
        name, confidence = prediction.image_alone
        told.append(f"IMAGE AND CAPTION DISAGREE: the image alone is {printable(name)}, {100 * confidence:.1f} %")
    return "".join(f"  {one}" for one in told)


def _either(classes: Sequence[str]) -> str:
    """The classes of a prediction set, most likely first; many of them in few words."""
    if len(classes) <= _SETS_SHOWN:
        return " or ".join(quoted(printable(name)) for name in classes)
    return f"one of {len(classes)} classes, most likely {_either(classes[:_SETS_SHOWN])}"


def duration(seconds: float) -> str:
    """``3 min 20 s``."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {left:02d} s" if minutes else f"{left} s"


@contextmanager
def watching(bus: EventBus) -> Iterator[None]:
    """Show what happens on the bus, on standard error, until the block ends."""
    screen: _Live | _Plain = _Live() if sys.stderr.isatty() else _Plain()
    leave = [bus.subscribe(screen.hear), bus.subscribe(_log)]
    try:
        with screen:
            yield
    finally:
        for unsubscribe in leave:
            unsubscribe()


def _log(event: Event) -> None:
    if isinstance(event, EpochFinished):
        logger.info("epoch", extra={k: getattr(event, k) for k in event.__slots__})
    elif isinstance(event, Noticed):
        logger.log(30 if event.level == "warning" else 20, event.message)
    elif isinstance(event, FileSkipped):
        logger.warning("file skipped", extra={"path": event.path, "reason": event.reason})
    elif isinstance(event, WorkStarted):
        logger.info("started: %s", event.task, extra={"total": event.total})


def _epoch_line(event: EpochFinished) -> str:
    mark = " *" if event.best else ""
    return (
        f"{event.phase} epoch {event.epoch}/{event.epochs}  loss {event.train_loss:.4f}  "
        f"val loss {event.val_loss:.4f}  val AUC {event.val_auc:.4f}  "
        f"at most {duration(event.seconds_left)} left{mark}"
    )


def _notice_line(event: Noticed) -> str:
    return f"{'Warning: ' if event.level == 'warning' else ''}{event.message.rstrip('.')}."


@final
class _SkippedFiles:
    """The first few skipped files by name, the rest as a number."""

    def __init__(self) -> None:
        self.count = 0

    def line(self, event: FileSkipped) -> str | None:
        self.count += 1
        if self.count <= _SKIPPED_SHOWN:
            name = event.path.replace("\\", "/").rsplit("/", 1)[-1]
            return f"Skipped: {event.reason}" if name in event.reason else f"Skipped {name}: {event.reason}"
        return "Skipped: more files; all of them are in the report." if self.count == _SKIPPED_SHOWN + 1 else None


@final
class _Plain:
    """A line per epoch, notice and finished piece of work."""

    def __init__(self) -> None:
        self._totals: dict[str, int] = {}
        self._skipped = _SkippedFiles()

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def hear(self, event: Event) -> None:
        line: str | None = None
        if isinstance(event, EpochFinished):
            line = _epoch_line(event)
        elif isinstance(event, Noticed):
            line = _notice_line(event)
        elif isinstance(event, FileSkipped):
            line = self._skipped.line(event)
        elif isinstance(event, WorkStarted):
            self._totals[event.task] = event.total
        elif isinstance(event, WorkFinished) and self._totals.get(event.task, 0) > 1:
            line = f"{event.task}: {self._totals[event.task]}"
        if line is not None:
            print(line, file=sys.stderr, flush=True)  # noqa: T201


@final
class _Live:
    """Bars that move, with loss, validation AUC and time left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, Any] = {}
        self._skipped = _SkippedFiles()

    def __enter__(self) -> None:
        self._progress.start()

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _bar(self, name: str, total: int) -> Any:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total, figures="")
        return self._tasks[name]

    def hear(self, event: Event) -> None:
        say = self._progress.console.print
        if isinstance(event, WorkStarted):
            self._bar(event.task, event.total)
        elif isinstance(event, WorkAdvanced):
            if event.task in self._tasks:
                self._progress.update(self._tasks[event.task], completed=event.done)
        elif isinstance(event, WorkFinished):
            if (task := self._tasks.pop(event.task, None)) is not None:
                self._progress.remove_task(task)
        elif isinstance(event, PhaseStarted):
            self._bar(f"Training ({event.name})", event.epochs)
        elif isinstance(event, EpochFinished):
            name = f"Training ({event.phase})"
            figures = f"loss {event.train_loss:.3f}  val AUC {event.val_auc:.3f}"
            self._progress.update(self._bar(name, event.epochs), completed=event.epoch, figures=figures)
            if event.best:
                say(_epoch_line(event), highlight=False, markup=False)
        elif isinstance(event, Noticed):
            say(
                _notice_line(event), style="yellow" if event.level == "warning" else None, highlight=False, markup=False
            )
        elif isinstance(event, FileSkipped) and (line := self._skipped.line(event)):
            say(line, style="yellow", highlight=False, markup=False)


def figures_table(title: str, figures: dict[str, Any], *, positive: str | None) -> None:
    """Print figures with their intervals, one a line, on standard output."""
    about = f" for {positive}" if positive else ""
    rows = [(f"AUC{about}" if positive else "macro AUC", figures["auc"])]
    if positive:
        names = {f"sensitivity{about}": "sensitivity", f"specificity{about}": "specificity", "PPV": "ppv", "NPV": "npv"}
        rows += [(name, figures[key]) for name, key in names.items()]
    rows.append(("accuracy", figures["accuracy"]))
    rows.append(("F1", figures["f1"]) if positive else ("balanced accuracy", figures["balanced_accuracy"]))
    if figures.get("prevalence") is not None:
        rows += [(f"{name.upper()} at {figures['prevalence']:.3g}", figures[f"{name}_at_prevalence"])
                 for name in ("ppv", "npv")]  # fmt: skip
    groups = figures.get("n_groups")
    people = f", {groups} groups" if groups and groups != figures["n"] else ""
    print(f"{title}: {figures['n']} images{people} (95 % intervals)")  # noqa: T201
    counts = figures.get("truth_counts") or figures["counts"]
    if absent := [quoted(printable(name)) for name, count in counts.items() if not count]:
        print(f"No image of {', '.join(absent)}: nothing is known of how the model finds it.")  # noqa: T201
    scarce = min(count for count in counts.values() if count)
    if scarce < _FEW:
        there = " that is there" if absent else ""
        print(f"Images of the rarest class{there}: {scarce}. Read the intervals, not the figures.")  # noqa: T201
    width = max(len(name) for name, _ in rows)
    for name, estimate in rows:
        print(f"  {name:<{width}}  {_estimate_text(estimate)}")  # noqa: T201


def _estimate_text(estimate: dict[str, Any]) -> str:
    """``0.914 [0.870, 0.951]``, or why there is no value."""
    if estimate.get("value") is None:
        return f"– ({reason.rstrip('.')})" if (reason := estimate.get("reason")) else "–"
    text = f"{estimate['value']:.3f}"
    if estimate.get("low") is not None:
        text += f" [{estimate['low']:.3f}, {estimate['high']:.3f}]"
    return text


def contrasts(found: Assessment) -> None:
    """Print in sentences what subgroups, another bundle and the bundle's own test figures say, where there are any."""
    from lince.evaluation.contrast_wording import comparison_words, external_words, subgroup_words
    from lince.evaluation.wording import Wording

    wording = Wording("en")
    parts = {
        "Does it still work here?": external_words(found.external, wording) if found.external else [],
        "Beside another bundle": comparison_words(found.comparison, wording) if found.comparison else [],
        "Subgroups": subgroup_words(found.subgroups, wording) if found.subgroups else [],
    }
    for title, sentences in parts.items():
        if sentences:
            print("\n".join([title, *(f"  {printable(sentence)}" for sentence in sentences)]))  # noqa: T201
