"""The epochs of one phase: steps, validation, what is done when something goes wrong, checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from lince.core.errors import TrainingError
from lince.core.events import EpochFinished, EventBus, Noticed
from lince.core.seeds import derived_seed
from lince.evaluation import weighted_auc
from lince.models.network import Network
from lince.models.precision import training_dtype
from lince.training.activations import Activations
from lince.training.batches import Batch, training_batches, validation_batches
from lince.training.checkpoint import NAME, Progress, learning_state, load_checkpoint, put_state, save_checkpoint
from lince.training.events import EpochsRecalled, ValidationMeasured
from lince.training.losses import Balance
from lince.training.memory import does_not_fit, forget
from lince.training.optimizer import make_optimizer
from lince.training.plan import EMBEDDING, Phase
from lince.training.schedules import rate_factor

_GRADIENT_NORM = 5.0
# A loss so many times that of guessing is on its way to infinity.
_ASTRAY = 10.0
_RESTARTS = 3
# Saving takes at most this share of the time, so an epoch of a tenth of a second is not spent on the disk.
_SAVING_SHARE = 0.1


@final
@dataclass(frozen=True)
class PhaseData:
    """Inputs and labels of a phase, training and validation; labels are class positions (N,)."""

    train: Activations
    train_labels: NDArray[np.int64]
    val: Activations
    val_labels: NDArray[np.int64]


def score(auc: float | None, loss: float) -> float:
    """What epochs and phases are chosen by: validation AUC, ties broken by the loss.

    The loss alone stops too early. On small sets it rises, as probabilities become too sure of themselves, long before
    the order of the images is as good as it gets; and sureness is what calibration mends afterwards. Where validation
    has images of one class only, there is no AUC and the loss decides.
    """
    return (0.0 if auc is None or math.isnan(auc) else auc) - 1e-3 * loss


def scores_of(progress: Progress) -> list[float]:
    """The `score` of each finished epoch."""
    return [score(row["val_auc"], row["val_loss"]) for row in progress.history]


class _AstrayError(Exception):
    """The loss is no number, or grows without bound."""

    def __init__(self, loss: float, *, before_any_step: bool = False) -> None:
        super().__init__()
        self.loss, self.before_any_step = loss, before_any_step


@final
class Loop:
    """Epochs of one phase. All that one epoch leaves to the next is in the network, the optimizer and `Progress`."""

    def __init__(
        self,
        network: Network,
        phase: Phase,
        data: PhaseData,
        *,
        balance: Balance,
        seed: int,
        folder: Path,
        device: torch.device,
        bus: EventBus,
    ) -> None:
        self._network, self._phase, self._data, self._balance = network, phase, data, balance
        self._seed, self._device, self._bus = seed, device, bus
        self._place = folder / NAME
        self._half = phase.boundary != EMBEDDING and training_dtype(network, device) is torch.bfloat16
        self._optimizer = make_optimizer(network, phase)
        self._start = {name: value.clone() for name, value in learning_state(network).items()}
        # The number of epochs is left out: asking for more goes on from where fewer ended.
        self._facts = {
            "phase": phase.model_dump(mode="json", exclude={"epochs"}),
            "seed": seed,
            "images": [len(data.train_labels), len(data.val_labels)],
        }
        self._progress = load_checkpoint(self._place, network, self._optimizer, self._facts) or Progress()
        self._saved_at, self._saving_took = -math.inf, 0.0
        self._astray_at: int | None = None

    def run(self) -> Progress:
        """Go through the epochs that are left."""
        progress, phase = self._progress, self._phase
        if progress.history:
            self._bus.publish(EpochsRecalled(phase.name, tuple(progress.history)))
        started, first = time.perf_counter(), progress.epoch
        while progress.epoch < phase.epochs and not self._waited_enough():
            try:
                train_loss = self._train_epoch()
                measured = self._validate()
            except _AstrayError as astray:
                self._go_back(astray)
                continue
            self._note(train_loss, *measured)
            pace = (time.perf_counter() - started) / (progress.epoch - first)
            self._tell(seconds_left=pace * (phase.epochs - progress.epoch))
            self._save()
        self._save(now=True)
        return progress

    def _waited_enough(self) -> bool:
        if self._phase.keep == "last":
            return False
        rows = self._progress.history
        last_best = max((i for i, row in enumerate(rows) if row["best"]), default=-1)
        return len(rows) - 1 - last_best >= self._phase.patience

    def _train_epoch(self) -> float:
        """One pass over the training images; gives their mean loss."""
        progress, phase = self._progress, self._phase
        torch.manual_seed(derived_seed(self._seed, phase.name, "dropout", progress.epoch))
        size = phase.batch_size * phase.accumulate
        labels = self._data.train_labels
        steps = math.ceil(len(labels) / size)
        total, mass = torch.zeros((), device=self._device), 0.0
        batches = training_batches(
            self._data.train,
            labels,
            size,
            balance=self._balance,
            seed=derived_seed(self._seed, phase.name, progress.epoch),
        )
        scores = scores_of(progress)
        settled = rate_factor(phase, scores, progress.epoch) if phase.schedule == "plateau" else None
        for number, batch in enumerate(batches):
            reached = progress.epoch + (number + 1) / steps
            factor = settled if settled and progress.epoch >= phase.warmup else rate_factor(phase, scores, reached)
            for group in self._optimizer.param_groups:
                group["lr"] = phase.learning_rate * group["share"] * factor * 0.1**progress.restarts
            loss, weight = self._step(batch)
            total, mass = total + loss, mass + weight
            # On a GPU each look at the loss waits for it.
            if (self._device.type == "cpu" or number % 16 == 0) and not torch.isfinite(loss):
                raise _AstrayError(float(loss), before_any_step=progress.epoch == number == 0)
            self._update_average(progress.epoch * steps + number)
        mean = float(total) / mass
        if not mean < _ASTRAY * math.log(max(len(self._balance.counts), 2)):
            raise _AstrayError(mean)
        return mean

    def _step(self, batch: Batch) -> tuple[Tensor, float]:
        """One step of the optimizer; where the batch does not fit in memory, in halves of it."""
        weight = self._balance.mass(torch.from_numpy(batch.labels))
        while True:
            total = torch.zeros((), device=self._device)
            self._optimizer.zero_grad(set_to_none=True)
            try:
                for values, labels in batch.pieces(self._piece(), self._device):
                    smoothing = self._phase.label_smoothing
                    loss = self._balance.losses(self._forward(values), labels, smoothing=smoothing).sum()
                    torch.autograd.backward(loss / weight)
                    total = total + loss.detach()
                break
            except (RuntimeError, MemoryError) as error:
                self._halve(error)
        learning = [value for group in self._optimizer.param_groups for value in group["params"]]
        nn.utils.clip_grad_norm_(learning, _GRADIENT_NORM)
        self._optimizer.step()
        return total, weight

    def _piece(self) -> int:
        return max(1, self._phase.batch_size >> self._progress.splits)

    def _halve(self, error: Exception) -> None:
        if not does_not_fit(error):
            raise error
        if self._piece() == 1:
            raise TrainingError(
                "Not even one image at a time fits in memory",
                received=f"phase {self._phase.name}",
                fix="use a smaller --image-size, a smaller --model, or --thaw fewer stages",
            ) from error
        self._optimizer.zero_grad(set_to_none=True)
        forget(self._device)
        self._progress.splits += 1
        self._bus.publish(
            Noticed(
                f"A batch of {self._phase.batch_size >> (self._progress.splits - 1)} images does not fit in memory; "
                f"going on with {self._piece()} at a time and the same number in a step",
                "warning",
            )
        )

    def _forward(self, values: Tensor) -> Tensor:
        """(B, ...) inputs of the phase to (B, C) float32 logits."""
        boundary, network = self._phase.boundary, self._network
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._half):
            logits: Tensor
            if boundary == EMBEDDING:
                logits = network.head.classify(values)
            elif boundary == 0:
                logits = network(values)
            else:
                shape = self._data.train.map_shape or (0, 0, 0)
                cut = values.shape[1] - math.prod(shape)
                maps = values[:, cut:].float().view(-1, *shape)
                if len(shape) == 3:
                    maps = maps.contiguous(memory_format=torch.channels_last)
                logits = network.finish(maps, values[:, :cut], start=int(boundary))
        return logits.float()

    def _update_average(self, step: int) -> None:
        """Exponential average of what learns. It forgets the start sooner while there have been few steps."""
        if self._phase.ema is None:
            return
        average, now = self._progress.average, learning_state(self._network)
        if not average:
            average |= {name: value.clone() for name, value in now.items()}
            return
        floating = [name for name, value in now.items() if value.is_floating_point()]
        decay = min(self._phase.ema, (1 + step) / (10 + step))
        lean = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        lean([average[name] for name in floating], [now[name] for name in floating], step)
        for name in now.keys() - floating:
            average[name].copy_(now[name])

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """The network as it would be kept: in evaluation mode, with its average weights where there are any."""
        average, network = self._progress.average, self._network
        modes = [(module, module.training) for module in network.modules()]
        now = {name: value.clone() for name, value in learning_state(network).items()} if average else {}
        put_state(network, average)
        network.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            put_state(network, now)
            for module, mode in modes:
                module.training = mode

    def _validate(self) -> tuple[float, float]:
        """Loss and AUC on validation; keeps the weights where they are the best so far."""
        progress, labels = self._progress, self._data.val_labels
        with self._evaluating():
            logits = self._validation_logits()
            truth = torch.from_numpy(labels)
            loss = float(self._balance.losses(logits, truth, validation=True).sum())
            loss /= self._balance.mass(truth, validation=True)
            if not math.isfinite(loss):
                raise _AstrayError(loss)
            probabilities = logits.softmax(1).numpy()
            auc = weighted_auc(labels, probabilities)
            reached = score(auc, loss)
            if self._is_kept(reached):
                state = learning_state(self._network)
                progress.best = {name: value.to("cpu", copy=True) for name, value in state.items()}
            self._bus.publish(
                ValidationMeasured(
                    self._phase.name,
                    progress.epoch + 1,
                    labels,
                    probabilities,
                    self._data.val.rows,
                    reached,
                    self._network,
                )
            )
        return loss, auc

    def _is_kept(self, reached: float) -> bool:
        """Whether the weights of this epoch are the ones to keep so far."""
        return self._phase.keep == "last" or all(reached > old for old in scores_of(self._progress))

    def _validation_batches(self) -> Iterator[Batch]:
        size = max(self._phase.batch_size, 256) if self._phase.boundary == EMBEDDING else self._phase.batch_size
        return validation_batches(self._data.val, self._data.val_labels, size)

    def _validation_logits(self) -> Tensor:
        """(N, C) logits, on the processor."""
        # Made before the first pass: small results kept between the large blocks of the passes would scatter the heap.
        found = torch.empty(len(self._data.val_labels), len(self._balance.counts))
        for batch in self._validation_batches():
            found[batch.position] = self._predict(batch)
        return found

    def _predict(self, batch: Batch) -> Tensor:
        """(B, C) logits, on the processor."""
        while True:
            size = self._piece() if self._progress.splits else len(batch)
            try:
                return torch.cat([self._forward(values).cpu() for values, _ in batch.pieces(size, self._device)])
            except (RuntimeError, MemoryError) as error:
                self._halve(error)

    def _go_back(self, astray: _AstrayError) -> None:
        """To the best weights so far, with a tenth of the rate.

        Raises
        ------
        TrainingError
            It has been tried often enough, or no rate is to blame.
        """
        progress, phase = self._progress, self._phase
        what = f"The loss {'grew' if math.isfinite(astray.loss) else 'became'} {_shown(astray.loss)}"
        where = f"in phase {phase.name}, epoch {progress.epoch + 1}"
        if astray.before_any_step:
            raise TrainingError(
                f"{what} {where}, before the first step",
                fix="check the images for corrupt ones and the weights that were given; no model was written",
            )
        if progress.restarts == _RESTARTS:
            raise TrainingError(
                f"{what} {where}, and lower rates did not help",
                fix="try a much smaller --lr or --tune-lr, or another seed; no model was written",
            )
        progress.restarts += 1
        # Where the best epoch led astray before, its weights are at fault and not the rate.
        again = self._astray_at == progress.epoch
        self._astray_at = progress.epoch
        put_state(self._network, self._start if again or not progress.best else progress.best)
        progress.average = {}
        self._optimizer.state.clear()
        since = "the beginning" if again or not progress.best else "the best epoch"
        self._bus.publish(
            Noticed(f"{what} {where}; going on from {since} with a tenth of the learning rate", "warning")
        )

    def _note(self, train_loss: float, val_loss: float, val_auc: float) -> None:
        progress = self._progress
        reached = score(val_auc, val_loss)
        best = self._is_kept(reached)
        progress.epoch += 1
        if self._phase.keep == "last":
            best = progress.epoch == self._phase.epochs
        progress.history.append(
            {
                "phase": self._phase.name,
                "epoch": progress.epoch,
                "train_loss": train_loss,
                "val_loss": val_loss,
                "val_auc": val_auc,
                "learning_rate": float(self._optimizer.param_groups[0]["lr"]),
                "best": best,
            }
        )

    def _tell(self, *, seconds_left: float) -> None:
        row = self._progress.history[-1]
        self._bus.publish(
            EpochFinished(
                row["phase"], row["epoch"], self._phase.epochs, row["train_loss"], row["val_loss"], row["val_auc"],
                row["learning_rate"], seconds_left, row["best"],
            )
        )  # fmt: skip

    def _save(self, *, now: bool = False) -> None:
        start = time.monotonic()
        if now or (start - self._saved_at) * _SAVING_SHARE >= self._saving_took:
            save_checkpoint(self._place, self._network, self._optimizer, self._progress, self._facts)
            self._saved_at = time.monotonic()
            self._saving_took = self._saved_at - start


def _shown(loss: float) -> str:
    return f"to {loss:.3g}" if math.isfinite(loss) else str(loss)
