"""The plan in words."""

from __future__ import annotations

from lince.core.pages import legible
from lince.training.events import RunPlanned
from lince.training.live.words import Wording
from lince.training.plan import EMBEDDING, Phase


def plan_in_words(planned: RunPlanned, say: Wording) -> list[str]:
    """What will be done, a sentence each: the images, the model, the phases."""
    plan, prepared = planned.plan, planned.prepared
    counts = {split: say.count(len(prepared.rows(split))) for split in ("train", "val", "test")}
    grey = plan.image.channels == 1
    return [
        say("{train} images to learn from, {val} to choose by, {test} to measure with, once, at the end.", **counts),
        say(
            "Model: {model}, on grey images of {size} px."
            if grey
            else "Model: {model}, on colour images of {size} px.",
            model=legible(plan.model),
            size=plan.image.size,
        ),
        *(_phase(phase, number, len(plan.phases), say) for number, phase in enumerate(plan.phases, 1)),
        say("Images are also shown turned, shifted and otherwise changed.")
        if plan.augmentation is not None
        else say("Images are shown as they are."),
    ]


def _phase(phase: Phase, number: int, of: int, say: Wording) -> str:
    what = {
        EMBEDDING: "a head learns on what the frozen network sees",
        0: "the whole network learns",
    }.get(phase.boundary, "the last blocks of the network learn as well")
    return say(
        "Phase {number} of {of}, {name}: {what}; at most {epochs} epochs, learning rate {rate}, "
        "and it ends when {patience} epochs bring nothing.",
        number=number,
        of=of,
        name=say.phase(phase.name),
        what=say(what),
        epochs=phase.epochs,
        rate=say.plain(phase.learning_rate),
        patience=phase.patience,
    )
