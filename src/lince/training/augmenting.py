"""Which augmentation suits a collection: what ``--augment auto`` becomes, and what is wrong with a choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lince.core.events import EventBus, Noticed
from lince.core.options import AugmentName
from lince.data.collection import Collection
from lince.data.modality import Kind, Recognised, recognise
from lince.imaging.augmentation import POLICIES, AugmentationSpec
from lince.training.options import TrainOptions

# What is not in these pictures, said when a policy that does it is chosen by name.
_UPSIDE: Mapping[Kind, str] = {
    "ultrasound": "the probe is always above",
    "xray": "people are not imaged upside down",
    "ct": "the table is always below",
    "mr": "patients lie one way up",
}
_SIDED: tuple[Kind, ...] = ("ct", "mr")


@dataclass(frozen=True, slots=True)
class Choice:
    """A policy by its name (never ``auto``), its recipe, why it was chosen, and what speaks against it."""

    name: AugmentName
    spec: AugmentationSpec | None
    why: str
    warning: str | None = None

    @property
    def sentence(self) -> str:
        """What and why, for people."""
        if self.spec is None:
            return f"Augmentation: none, because {self.why}"
        return f"Augmentation: {self.name}, because {self.why}: {self.spec.caption}"


def choose(name: AugmentName, collection: Collection) -> Choice:
    """The policy of this name, or with ``auto`` the one that suits the collection.

    One known kind of image has its own policy; several kinds get ``light``, which mirrors nothing; with nothing known
    it is ``medium``, which mirrors left and right.
    """
    found = recognise(collection)
    if name == "none":
        return Choice("none", None, "it was chosen")
    if name != "auto":
        return Choice(name, POLICIES[name], "it was chosen", _objection(POLICIES[name], found))
    chosen: AugmentName = found.kind or ("light" if found.kinds else "medium")
    return Choice(chosen, POLICIES[chosen], found.why)


def settle(options: TrainOptions, collection: Collection, bus: EventBus) -> TrainOptions:
    """The options with ``auto`` replaced by the policy that suits the collection; says what was chosen and why."""
    choice = choose(options.augment, collection)
    if options.augment == "auto":
        bus.publish(Noticed(f"{choice.sentence} (another: --augment NAME)"))
    if choice.warning:
        bus.publish(Noticed(choice.warning, "warning"))
    return options.model_copy(update={"augment": choice.name})


def _objection(spec: AugmentationSpec, found: Recognised) -> str | None:
    for kind in sorted(found.kinds):
        if kind in _UPSIDE and spec.turns_over:
            return f"The augmentation {spec.name} turns images upside down; {found.why}, and {_UPSIDE[kind]}"
        if kind in _SIDED and spec.mirrors:
            return f"The augmentation {spec.name} mirrors left and right; {found.why}, and organs have their sides"
    return None
