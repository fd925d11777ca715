"""The folder of a run while it is being made: what an interrupted run needs to go on."""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path
from typing import Any, final

import filelock

from lince.core.errors import OutputError, TrainingError
from lince.core.files import make_folder, write_json
from lince.training.options import TrainOptions, parse_options

_RUN = "run.json"


@final
class ChangedError(TrainingError):
    """An interrupted run met other images than it began with: its folder is kept, since they may come back."""


@final
class RunFolder:
    """``OUT.partial`` beside the bundle to be: removed when the bundle takes its place.

    It is held for this process until `release`; the system lets go of it when the process ends, however it ends.

    Raises
    ------
    OutputError
        The bundle exists already, an interrupted run is in the way, a run is at work here, or the place cannot be
        written.
    TrainingError
        ``resume`` and there is nothing to resume.
    """

    def __init__(self, out: Path, *, resume: bool) -> None:
        check_free(out, resume=resume)
        self.out = out
        self.path = _partial(out)
        self.resumed = resume
        make_folder(self.path, named=out)
        self._lock = filelock.FileLock(self.path / ".lock", timeout=0)
        try:
            self._lock.acquire()
        except filelock.Timeout as error:
            raise OutputError(
                "A run is at work here", received=self.path, fix="wait for it, or choose another --out"
            ) from error

    def remember(self, source: str, options: TrainOptions) -> None:
        """Note what is being trained."""
        write_json(self.path / _RUN, {"source": source, "options": options.model_dump(mode="json")})

    def recall(self) -> tuple[str, TrainOptions]:
        """Source and options of the interrupted run.

        Raises
        ------
        TrainingError
            The note is damaged.
        """
        try:
            noted = json.loads((self.path / _RUN).read_text(encoding="utf-8"))
            return str(noted["source"]), parse_options(noted["options"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrainingError(
                "The notes of the interrupted run are damaged",
                received=self.path,
                fix="remove that folder and start again",
            ) from error

    def same_collection(self, digest: str) -> None:
        """Make sure that a resumed run meets the images that it began with.

        Raises
        ------
        ChangedError
            They have changed.
        """
        place = self.path / "collection.json"
        if self.resumed and place.is_file():
            if json.loads(place.read_text(encoding="utf-8")).get("digest") != digest:
                raise ChangedError(
                    "The collection has changed since this run was interrupted",
                    received=self.path,
                    fix="put the images back as they were, or remove that folder and start again",
                )
            return
        write_json(place, {"digest": digest})

    def phase(self, name: str) -> Path:
        """Folder of one phase."""
        return self.path / name

    def finished_phase(self, name: str) -> dict[str, Any] | None:
        """What `finish_phase` noted, or None."""
        place = self.phase(name) / "done.json"
        if not place.is_file():
            return None
        noted: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
        return noted

    def finish_phase(self, name: str, note: dict[str, Any]) -> None:
        """Note that a phase is over; its weights were saved before."""
        write_json(self.phase(name) / "done.json", _without_nan(note))

    def remove(self) -> None:
        """Delete the folder: the bundle is in place."""
        self.release()
        shutil.rmtree(self.path, ignore_errors=True)

    def abandon(self) -> None:
        """Delete the folder when nothing in it is worth resuming."""
        if not any(self.path.glob("*/**/*.json")) and not any(self.path.rglob("last.safetensors")):
            self.remove()

    def release(self) -> None:
        """Let another process go on here."""
        self._lock.release()


def check_free(out: Path, *, resume: bool) -> None:
    """Refuse a place that is taken; raises as `RunFolder` does."""
    partial = _partial(out)
    if out.exists():
        raise OutputError("There is something here already", received=out, fix="choose another --out or remove it")
    if resume and not (partial / _RUN).is_file():
        raise TrainingError("There is no interrupted run here", received=partial, fix="leave out --resume")
    if not resume and partial.exists():
        raise OutputError(
            "An interrupted run is here", received=partial, fix="go on with --resume, or remove that folder"
        )


def _without_nan(value: Any) -> Any:
    """JSON has no NaN: a validation part of one class has no AUC, which is told as null."""
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def default_out(name: str, *, resume: bool = False) -> Path:
    """``bundles/NAME``, or ``bundles/NAME-2`` and so on when it is taken; with ``resume``, the last interrupted one."""
    slug = re.sub(r"[^\w.-]+", "-", name.lower()).strip("-.") or "model"
    base = Path("bundles") / slug
    number, out, interrupted = 1, base, None
    while out.exists() or _partial(out).exists():
        interrupted = out if _partial(out).exists() else interrupted
        number += 1
        out = base.with_name(f"{slug}-{number}")
    return interrupted or base if resume else out


def _partial(out: Path) -> Path:
    return out.with_name(f"{out.name}.partial")
