"""``lince predict``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lince.cli.flags import Caption, LogDir, Refer
from lince.core.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from lince.core.events import Event
    from lince.core.types import Prediction, Skipped
    from lince.inference.predictor import Predictor

_FLAGS = ("low_confidence", "cannot_tell", "refer", "out_of_distribution", "blank", "conflict")


def predict(
    bundle: Annotated[Path, typer.Argument(help="Folder that `lince train` wrote.")],
    images: Annotated[
        list[Path] | None,
        typer.Argument(help="Image files, or folders of them (DICOM too).", show_default=False),
    ] = None,
    caption: Caption = None,
    captions: Annotated[
        Path | None,
        typer.Option(
            help="Table of what is said of the images: a column of file names, and those that the bundle reads.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="A table with one row per image.")] = False,
    refer: Refer = None,
    log_dir: LogDir = None,
) -> None:
    """Predict images: class by name, calibrated probabilities, and a mark where the model should not be relied on.

    A file that cannot be read is reported and skipped; exit code 1 says that there were some.
    """
    from lince.cli.console import complain, printable
    from lince.core.events import EventBus
    from lince.core.logs import log_to, logger
    from lince.core.types import Skipped
    from lince.inference.predictor import Predictor

    if as_json and as_csv:
        raise ConfigError("--json and --csv exclude each other", fix="choose one")
    paths, left_out = _asked(images or [], caption, captions)
    bus = EventBus()
    if log_dir:
        log_to(log_dir, "predict")
        bus.subscribe(_log)
    predictor = Predictor(bundle, bus=bus, refer=refer)
    if images and not predictor.bundle.knows_its_kind:
        complain("This model does not know its kind of image: it answers for any image, also of something else.")
    if images and caption and predictor.reads_text and not predictor.reader.reads(caption):
        complain(f"The caption has no words that this model knows: the image alone decides ({printable(caption)}).")
    said = [caption] * len(paths) if captions is None else _captions(captions, paths, predictor)
    writer = _csv if as_csv else (_json if as_json else _text)
    skipped = 0

    def readable() -> Iterator[Prediction]:
        nonlocal skipped
        alone = [predictor.predict(None, caption=caption)] if not images else []
        for found in chain(alone, left_out, predictor.predict_many(paths, captions=said)):
            if isinstance(found, Skipped):
                skipped += 1
                logger.warning("file skipped", extra={"path": found.path, "reason": found.reason})
                complain(found.reason if found.path in found.reason else f"{found.path}: {found.reason}")
            else:
                yield found

    writer(readable(), list(predictor.labels.names))
    if skipped:
        total = len(paths) + len(left_out)
        if total > 1:
            complain(f"{skipped} of {total} files could not be read.")
        raise typer.Exit(1 if skipped < total else 2)


def _log(event: Event) -> None:
    from lince.core.events import PredictionMade
    from lince.core.logs import logger, prediction_fields

    if isinstance(event, PredictionMade):
        logger.info("prediction", extra={**prediction_fields(event.prediction), "seconds": event.seconds})


def _captions(table: Path, paths: list[Path], predictor: Predictor) -> list[str | None]:
    """What the table says of each file; how many it leaves out is told."""
    from lince.cli.console import complain
    from lince.core.wording import counted
    from lince.data.captions import table_texts

    found = table_texts(table, paths, predictor.reader.fields)
    for notice in found.notices:
        complain(notice)
    captions = [predictor.reader.text_of(one) for one in found.said]
    if missing := captions.count(None):
        whole = counted(len(paths), "image")
        complain(
            f"{table.name} says nothing of {missing} of {whole}, or names them by a name that others share; the image "
            "alone decides there."
        )
    return captions


def _asked(images: list[Path], caption: str | None, captions: Path | None) -> tuple[list[Path], list[Skipped]]:
    """As `_files`; a caption may stand alone, and belongs to one image."""
    if captions is not None and (caption or not images):
        what = (
            "--captions and --caption exclude each other" if caption else "--captions is of images, and none is named"
        )
        raise ConfigError(what, received=captions, fix="choose one" if caption else "name image files or folders")
    if not images and not (caption or "").strip():
        raise ConfigError("There is no image to predict", fix="name image files or folders, or give --caption TEXT")
    paths, left_out = _files(images)
    if caption and len(paths) > 1:
        raise ConfigError(
            "One caption is of one image", received=f"{len(paths)} images", fix="give a table of them: --captions FILE"
        )
    return paths, left_out


def _files(images: list[Path]) -> tuple[list[Path], list[Skipped]]:
    """Files as given; folders become the image files below them, in order. What is left out is told at once."""
    from lince.cli.console import complain
    from lince.data.sources.walk import find_images

    paths: list[Path] = []
    left_out: list[Skipped] = []
    for path in images:
        if not path.exists():
            raise SourceError("There is no such file or folder", received=path)
        if not path.is_dir():
            paths.append(path)
            continue
        found = find_images(path)
        if not found.images and not found.skipped:
            raise SourceError("There is no image in this folder", received=path)
        paths += map(Path, found.images)
        left_out += found.skipped
        if found.others:
            kinds = ", ".join(f"{suffix} {count}" for suffix, count in found.others.most_common(5))
            complain(f"Left alone in {path}, not images: {kinds}.")
    return paths, left_out


def _text(found: Iterator[Prediction], _: list[str]) -> None:
    from lince.cli.console import printable, warnings
    from lince.core.wording import quoted

    for one in found:
        parts = ", ".join(f"{quoted(printable(name))} {100 * value:.1f} %" for name, value in one.probabilities.items())
        said = "no answer" if one.refused else f"{printable(one.label)} ({parts})"
        typer.echo(f"{printable(one.name)}: {said}{warnings(one)}")


def _json(found: Iterator[Prediction], _: list[str]) -> None:
    for one in found:
        typer.echo(json.dumps(one.as_dict(), ensure_ascii=False))


def _csv(found: Iterator[Prediction], names: list[str]) -> None:
    import csv

    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(
        ["name", "label", "confidence", *_FLAGS, "prediction_set", *(f"p_{name}" for name in names), "model_id"]
    )
    for one in found:
        row: list[Any] = [one.name, one.label, f"{one.confidence:.6f}", *(int(flag in one.flags) for flag in _FLAGS)]
        row.append("" if one.prediction_set is None else json.dumps(one.prediction_set, ensure_ascii=False))
        row += [f"{one.probabilities[name]:.6f}" for name in names]
        table.writerow([*row, one.model_id])
