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
    text = "{train} images to learn from, {val} to choose by, {test} to measure with, once, at the end."
    if planned.options.folds is not None:
        both = len(prepared.rows("train")) + len(prepared.rows("val"))
        counts |= {"both": say.count(both), "folds": str(planned.options.folds)}
        text = "{both} images in {folds} folds, each held out once; {test} to measure with, once, at the end."
    return [
        say(text, **counts),
        say(
            "Model: {model}, on {colours} images of {size} px.",
            model=legible(plan.model),
            colours=say("grey" if plan.image.channels == 1 else "colour"),
            size=plan.image.size,
        ),
        *(_phase(phase, number, len(plan.phases), say) for number, phase in enumerate(plan.phases, 1)),
        say("Images are also shown turned, shifted and otherwise changed.")
        if plan.augmentation is not None
        else say("Images are shown as they are."),
    ]


def _phase(phase: Phase, number: int, of: int, say: Wording) -> str:
    what = {
        EMBEDDING: say("a head learns on what the frozen network sees"),
        0: say("the whole network learns"),
    }.get(phase.boundary, say("the network from stage {stage} on learns as well", stage=phase.boundary))
    if phase.exact:
        return say(
            "Phase {number} of {of}, {name}: {what}. It is solved for {n} strengths of the penalty, without steps.",
            number=number,
            of=of,
            name=say.phase(phase.name),
            what=what,
            n=phase.epochs,
        )
    return say(
        "Phase {number} of {of}, {name}: {what}. At most {epochs} epochs, learning rate {rate}.",
        number=number,
        of=of,
        name=say.phase(phase.name),
        what=what,
        epochs=phase.epochs,
        rate=say.plain(phase.learning_rate),
    )
