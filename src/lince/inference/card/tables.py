"""The tables of a model card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lince.inference.bundle import BundleManifest
from lince.inference.card.measured import Evaluation
from lince.inference.card.promises import held_out, shown_figures
from lince.inference.card.words import Words, escaped, joined


def parts(manifest: BundleManifest, _: Evaluation | None, words: Words) -> Iterator[str]:
    """Images by class and part, with patients where the source names them."""
    known = manifest.provenance.get("collection", {})
    counts: dict[str, dict[str, int]] = known.get("counts", {})
    patients = known.get("groups", {}) if known.get("grouping") == "source" else {}
    if not counts:
        return
    title = words.say("Images (patients or groups)" if patients else "Images")
    yield from _table([title, *(words.say(part) for part in counts)])
    for name in manifest.classes:
        cells = (
            f"{row[name]} ({patients[part][name]})" if patients else str(row[name]) for part, row in counts.items()
        )
        yield _row([escaped(name), *cells])
    yield ""


def own_figures(manifest: BundleManifest, _: Evaluation | None, words: Words) -> Iterator[str]:
    """Test and validation figures side by side."""
    shown = {"test": manifest.figures.get("test", {}), held_out(manifest): manifest.figures.get("val", {})}
    yield from _table(["", *(words.say(part) for part in shown)])
    yield _row([words.say("images"), *(str(part.get("n", "–")) for part in shown.values())])
    yield from _rows((part for part in shown.values()), manifest, words)
    text = "On the {part} images calibration and operating point were chosen, so figures there flatter."
    yield from ("", words.say(text, part=words.say(held_out(manifest))), "")


def figures_here(manifest: BundleManifest, evaluation: Evaluation | None, words: Words) -> Iterator[str]:
    """Figures of an evaluation, where there is one."""
    if evaluation is None:
        return
    found = evaluation.assessment.model_dump()
    yield from _table(["", joined(" ", (evaluation.collection, f"({words.say(evaluation.part)})"))])
    yield _row([words.say("images"), str(found["n"])])
    yield from (*_rows([found], manifest, words), "")


def _rows(columns: Iterable[dict[str, Any]], manifest: BundleManifest, words: Words) -> Iterator[str]:
    columns = list(columns)
    for key, name in shown_figures(manifest).items():
        title = words.say("{name} [95%]", name=words.say(name))
        yield _row([title, *(words.estimate(column.get(key, {})) for column in columns)])


def _table(cells: Iterable[str]) -> tuple[str, str]:
    cells = list(cells)
    return _row(cells), "|---" * len(cells) + "|"


def _row(cells: Iterable[str]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)
