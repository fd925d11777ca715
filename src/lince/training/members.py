"""Train one candidate on every fold, and predict every image by the model that never saw it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray

from lince.core.errors import TrainingError
from lince.core.events import EventBus, WorkAdvanced, WorkFinished, WorkStarted
from lince.core.files import atomic_file, make_folder, write_json
from lince.core.seeds import derived_seed
from lince.evaluation import auc, macro_auc
from lince.imaging import ImageSpec
from lince.models import build
from lince.models.ensemble import Ensemble, Group, common_stages, member_pixels
from lince.models.folding import ready_to_run
from lince.models.heads import Head, KernelHead, LinearHead
from lince.models.network import Network
from lince.models.precision import best_device
from lince.training.activations import Activations, Frozen, Recipe
from lince.training.blend import log_loss
from lince.training.candidates import Candidate
from lince.training.folder import RunFolder
from lince.training.folds import Folds
from lince.training.linear import FIRST_PENALTY, Kind, Solved, solve_all, solve_head
from lince.training.losses import Balance, Imbalance
from lince.training.options import TrainOptions
from lince.training.phases import run_phases
from lince.training.plan import EMBEDDING, Phase, Plan, make_plan
from lince.training.prepared import Prepared
from lince.training.sharing import Shared, averages, first_view
from lince.trust import softmax

_BATCH = 16


@final
@dataclass(frozen=True)
class Fitted:
    """A candidate after training.

    Attributes
    ----------
    plan
        How it was trained.
    place
        Folder with the weights of each fold.
    plain, mirrored
        (M, C) out-of-fold logits of the images that are `Folds.measured`: of the image alone, and averaged with those
        of its mirror image.
    history
        Rows of the epochs of all folds.
    seconds
        That training it took.
    """

    candidate: Candidate
    plan: Plan
    place: Path
    plain: NDArray[np.float64]
    mirrored: NDArray[np.float64]
    history: list[dict[str, Any]]
    seconds: float

    def networks(self, classes: int, folds: int) -> list[Network]:
        """The trained networks, one per fold, on the processor."""
        from safetensors.torch import load_file

        found = []
        for fold in range(folds):
            network = build(self.candidate.entry, classes, self.plan.image, pretrained=False)
            state = load_file(_weights(self.place, fold))
            if self.candidate.way == "kernel":
                network = network.with_head(KernelHead(network.head.features, classes, len(state["head.landmarks"])))
            network.load_state_dict(state)
            found.append(network.eval())
        return found


class OutOfTime(Exception):  # noqa: N818  not an error: the candidate is left out
    """A candidate would not be ready within the time limit."""


@final
@dataclass(frozen=True)
class Trainer:
    """What all candidates are trained with; ``prepared`` has the common images."""

    prepared: Prepared
    folds: Folds
    options: TrainOptions
    folder: RunFolder
    bus: EventBus

    @property
    def _classes(self) -> int:
        return len(self.prepared.collection.labels)

    def fit(self, candidate: Candidate, may_go_on: Callable[[float], bool]) -> Fitted:
        """Train the candidate on every fold, or take it from an interrupted run.

        Parameters
        ----------
        candidate
            What to train.
        may_go_on
            Asked after each fold with the seconds that the rest of this candidate will take.

        Raises
        ------
        OutOfTime
            The answer was no.
        """
        place = make_folder(self.folder.path / candidate.name)
        plan = self.plan(candidate)
        note = _read(place / "done.json")
        if note is not None:
            logits = np.load(place / "out-of-fold.npy", allow_pickle=False)
            return Fitted(candidate, plan, place, logits[0], logits[1], note["history"], note["seconds"])
        own = self._member_images(plan.image)
        begun, before = time.perf_counter(), self.seconds_before(candidate)
        if candidate.way == "head" or candidate.way == "kernel":
            history: list[dict[str, Any]] = []
            self._fit_heads(candidate, candidate.way, plan, own, place, may_go_on)
        else:
            history = self._fit_folds(candidate, plan, own, place, may_go_on)
        fitted = Fitted(candidate, plan, place, np.empty(0), np.empty(0), history, 0.0)
        plain, mirrored = self._out_of_fold(fitted)
        seconds = before + time.perf_counter() - begun
        with atomic_file(place / "out-of-fold.npy") as stream:
            np.save(stream, np.stack([plain, mirrored]), allow_pickle=False)
        write_json(place / "done.json", {"history": history, "seconds": seconds})
        return replace(fitted, plain=plain, mirrored=mirrored, seconds=seconds)

    def seconds_before(self, candidate: Candidate) -> float:
        """What an interrupted run has spent on it: on all of it, or on the folds that it finished."""
        place = self.folder.path / candidate.name
        whole = _read(place / "done.json")
        notes = [whole] if whole else [_read(_note_of(place, fold)) for fold in range(self.folds.count)]
        return float(sum(note["seconds"] for note in notes if note))

    def done(self, candidate: Candidate) -> bool:
        """Whether an interrupted run has finished this candidate."""
        return (self.folder.path / candidate.name / "done.json").is_file()

    def auc(self, logits: NDArray[np.float64]) -> float:
        """Out-of-fold AUC of the positive class, where there is one, else averaged over classes."""
        positive, table = self.prepared.collection.labels.positive_index, softmax(logits)
        truth = self.folds.labels[self.folds.measured]
        return macro_auc(truth, table) if positive is None else auc(truth == positive, table[:, positive])

    def plan(self, candidate: Candidate) -> Plan:
        """How the candidate is trained."""
        options = self.options.model_copy(update={"image_size": candidate.size})
        if candidate.way == "tuned" and options.phases is None:
            options = options.model_copy(update={"phases": 2})
        network = build(candidate.entry, self._classes, candidate.entry.image_spec(candidate.size), pretrained=False)
        rows = self.folds.training(0)
        plan = make_plan(
            options,
            candidate.entry,
            thaw_from=network.thaw_from,
            images=len(rows),
            stages=len(network.stages),
            counts=np.bincount(self.prepared.labels[rows], minlength=self._classes).tolist(),
        )
        if candidate.way in ("head", "kernel"):
            return plan.model_copy(update={"phases": plan.phases[:1]})
        if candidate.way in ("tuned", "scratch"):
            phases = tuple(phase for phase in plan.phases if phase.boundary != EMBEDDING)
            return plan.model_copy(update={"phases": _to_the_end(phases)})
        return plan

    def _member_images(self, spec: ImageSpec) -> Prepared:
        """The collection with the images as this candidate sees them, made once from the common ones."""
        images = self.prepared.images
        count, side = images.pixels.shape[:2]
        if (side, images.pixels.shape[3]) == (spec.size, spec.channels):
            return self.prepared
        place = self.folder.path / "images" / f"{spec.size}-{spec.channels}.npy"
        if not place.is_file():
            with atomic_file(place) as stream:
                shape = (count, spec.size, spec.size, spec.channels)
                header = {"descr": "|u1", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(stream, header)
                for start in range(0, count, _BATCH):
                    batch = torch.from_numpy(np.array(images.pixels[start : start + _BATCH]))
                    stream.write(member_pixels(batch, spec.size, spec.channels).contiguous().numpy().data)
        sized = np.load(place, mmap_mode="r", allow_pickle=False)
        return replace(self.prepared, images=replace(images, pixels=sized, home=None))

    def _network(self, candidate: Candidate, plan: Plan, fold: int) -> Network:
        torch.manual_seed(derived_seed(plan.seed, "weights", candidate.name, fold))
        return build(candidate.entry, self._classes, plan.image)

    def _features(
        self, network: Network, plan: Plan, views: int, own: Prepared, rows: NDArray[np.int64]
    ) -> Activations:
        """What the frozen network says of some images; computed for all of them at the first call.

        As a `KernelHead` embeds: the first half is what a linear head reads.
        """
        device = best_device()
        probe = network.with_head(KernelHead(network.head.features, self._classes, 1))
        frozen = Frozen(ready_to_run(probe, size=plan.image.size, device=device), device, plan.image.size)
        recipe = Recipe("shared", EMBEDDING, views, plan.augmentation, plan.seed, "Computing features")
        shared = Shared(self.folder.path / "features", self.folds.rows)
        return shared.part(network, frozen, own.images.pixels, recipe, rows, bus=self.bus)

    def _fit_heads(
        self,
        candidate: Candidate,
        kind: Kind,
        plan: Plan,
        own: Prepared,
        place: Path,
        may_go_on: Callable[[float], bool],
    ) -> None:
        """Exact heads on the frozen network; their strength is the one with the best out-of-fold predictions."""
        network = self._network(candidate, plan, 0)
        if not isinstance(network.head, LinearHead):
            raise TrainingError("Only a linear head can be solved exactly", received=candidate.entry.name)
        features = self._features(network, plan, plan.phases[0].views, own, self.folds.rows)
        labels, fold_of = self.folds.labels, self.folds.fold
        plain = first_view(averages(features) if kind == "head" else features)
        task = f"Fitting heads ({candidate.name})"
        self.bus.publish(WorkStarted(task, self.folds.count))
        begun = time.perf_counter()
        heads: list[list[Solved]] = []
        logits: list[NDArray[np.float64]] = []
        for fold in range(self.folds.count):
            inside, held = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
            heads.append(self._solved(kind, features.subset(inside), labels[inside]))
            logits = logits or [np.empty((len(labels), self._classes)) for _ in heads[0]]
            for head, found in zip(heads[-1], logits, strict=True):
                with torch.inference_mode():
                    found[held] = head.eval().classify(plain.take(np.zeros_like(held), held)).numpy()
            self.bus.publish(WorkAdvanced(task, fold + 1))
            left = (time.perf_counter() - begun) / (fold + 1) * (self.folds.count - fold - 1)
            if left and not may_go_on(left):
                raise OutOfTime
        self.bus.publish(WorkFinished(task))
        seen = self.folds.measured
        best = int(np.argmin([log_loss(found[seen], labels[seen]) for found in logits]))
        for fold, chosen in enumerate(_alike([strengths[best] for strengths in heads])):
            _save(network.with_head(chosen).state_dict(), _weights(place, fold))

    def _solved(self, kind: Kind, features: Activations, labels: NDArray[np.int64]) -> list[Solved]:
        """A head for each strength of the penalty, or cost of an error.

        Images weigh by their class only where that was asked for: what is stacked by its log loss is best left to the
        frequencies as they are.
        """
        balance = Balance.of(Imbalance(kind="none"), labels, self._classes)
        if self.options.imbalance in ("weights", "sampling"):
            balance = replace(balance, imbalance=Imbalance(kind="weights"))
        weights, shift = balance.weights_of(labels), balance.logit_shift()
        found = solve_all(kind, features, labels, classes=self._classes, weights=weights)
        if shift is not None and kind == "head":
            for one in found:
                one.shift_logits(torch.from_numpy(shift))
        return found

    def _fit_folds(
        self, candidate: Candidate, plan: Plan, own: Prepared, place: Path, may_go_on: Callable[[float], bool]
    ) -> list[dict[str, Any]]:
        history: list[dict[str, Any]] = []
        taken = 0.0
        for fold in range(self.folds.count):
            place_of_fold = _note_of(place, fold)
            note = _read(place_of_fold)
            if note is None:
                begun = time.perf_counter()
                rows = self._fit_fold(candidate, plan, own, fold, place)
                note = {"history": rows, "seconds": time.perf_counter() - begun}
                write_json(place_of_fold, note)
            history += note["history"]
            taken += note["seconds"]
            left = taken / (fold + 1) * (self.folds.count - fold - 1)
            if left and not may_go_on(left):
                raise OutOfTime
        return history

    def _fit_fold(
        self, candidate: Candidate, plan: Plan, own: Prepared, fold: int, place: Path
    ) -> list[dict[str, Any]]:
        network = self._network(candidate, plan, fold)
        # Where the last epoch is kept nothing is chosen on the second part: held-out images may show how it goes.
        settled = all(phase.keep == "last" for phase in plan.phases)
        learn, watch = (self.folds.training(fold), self.folds.held_out(fold)) if settled else self.folds.stopping(fold)
        splits: list[Any] = [None] * len(own.collection.samples)
        for part, rows in (("train", learn), ("val", watch)):
            for row in rows:
                splits[row] = part
        inner = replace(own, collection=own.collection.with_splits(splits))
        if candidate.way == "tuned" and isinstance(network.head, LinearHead):
            # As many views as the candidate ``head`` has: its features are there already.
            views = self.plan(replace(candidate, way="head")).phases[0].views
            features = averages(self._features(network, plan, views, own, learn))
            solve_head(network.head, features, self.prepared.labels[learn], penalty=FIRST_PENALTY)
        label = f"{candidate.name}/fold-{fold + 1}"
        phases = tuple(phase.model_copy(update={"name": f"{label}/{phase.name}"}) for phase in plan.phases)
        shared = Shared(self.folder.path / "features", self.folds.rows)
        rows_of_history = run_phases(
            network, plan.model_copy(update={"phases": phases}), inner, self.folder, self.bus, shared=shared
        )
        _save(network.state_dict(), _weights(place, fold))
        return rows_of_history

    @torch.inference_mode()
    def _out_of_fold(self, fitted: Fitted) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Logits of every image by its fold's network, as they will be served: from the common image."""
        networks = fitted.networks(self._classes, self.folds.count)
        side, pixels = fitted.candidate.size, self.prepared.images.pixels
        group = Group(networks, shared=common_stages(networks), side=side, mirrored=True)
        whole = Ensemble([group], [[network.head for network in networks]], [1.0], channels=pixels.shape[3])
        device = best_device()
        fast = ready_to_run(whole, size=pixels.shape[1], device=device)
        task = f"Predicting held-out images ({fitted.candidate.name})"
        rows, fold = self.folds.rows[self.folds.measured], self.folds.fold[self.folds.measured]
        found = np.empty((2, len(rows), self._classes))
        self.bus.publish(WorkStarted(task, len(rows)))
        for start in range(0, len(rows), _BATCH):
            part = slice(start, start + _BATCH)
            batch = torch.from_numpy(np.array(pixels[rows[part]])).to(device)
            each = fast.head.each(*fast.maps(batch))[0].cpu().numpy()
            own = each[:, fold[part], np.arange(each.shape[2])]
            found[0, part], found[1, part] = own[0], own.mean(axis=0)
            self.bus.publish(WorkAdvanced(task, start + len(batch)))
        self.bus.publish(WorkFinished(task))
        return found[0], found[1]


def _to_the_end(phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
    """A single phase that follows a cosine keeps its last epoch: no images are held back to say when to stop.

    Of several phases one must say which is kept.
    """
    if len(phases) == 1 and phases[0].schedule == "cosine":
        return (phases[0].model_copy(update={"keep": "last"}),)
    return phases


def _alike(heads: Sequence[Solved]) -> list[Head]:
    """Heads of one shape, so that the folds can be loaded as one group."""
    most = max(len(head.landmarks) if isinstance(head, KernelHead) else 0 for head in heads)
    return [head.padded(most) if isinstance(head, KernelHead) else head for head in heads]


def _note_of(place: Path, fold: int) -> Path:
    return place / f"fold-{fold + 1}.json"


def _weights(place: Path, fold: int) -> Path:
    return place / f"fold-{fold + 1}.safetensors"


def _save(state: dict[str, torch.Tensor], place: Path) -> None:
    from safetensors.torch import save

    with atomic_file(place) as stream:
        stream.write(save({name: value.detach().cpu().contiguous() for name, value in state.items()}))


def _read(place: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found
