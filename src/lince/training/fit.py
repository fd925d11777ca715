"""One phase of training, on Lightning: epochs over activations, early stopping, best weights kept, resumable."""

from __future__ import annotations

import logging
import math
import signal
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from numpy.typing import NDArray
from torch import Tensor, nn

from lince.core.errors import TrainingError
from lince.core.events import EpochFinished, EventBus, PhaseStarted
from lince.core.seeds import derived_seed
from lince.evaluation import macro_auc
from lince.imaging.augmentation import augment
from lince.models.network import Network
from lince.models.precision import training_dtype
from lince.training.activations import Activations
from lince.training.events import EpochsRecalled, ValidationMeasured
from lince.training.plan import EMBEDDING, Phase


@final
@dataclass(frozen=True)
class PhaseData:
    """Inputs and labels of a phase, training and validation; labels are class positions (N,)."""

    train: Activations
    train_labels: NDArray[np.int64]
    val: Activations
    val_labels: NDArray[np.int64]


@final
@dataclass(frozen=True)
class PhaseResult:
    """How a phase went: the best `score`, and ``history`` with one row per epoch."""

    best_score: float
    history: list[dict[str, Any]]


def score(auc: float, loss: float) -> float:
    """What epochs and phases are chosen by: validation AUC, ties broken by the loss.

    The loss alone stops too early. On small sets it rises, as probabilities become too sure of themselves, long before
    the order of the images is as good as it gets; and sureness is what calibration mends afterwards.
    """
    return auc - 1e-3 * loss


@final
class _Batches:
    """Batches of one epoch. Their order, and the view taken of each image, follow from the seed and the epoch alone."""

    def __init__(self, data: Activations, labels: NDArray[np.int64], size: int, *, shuffle: int | None) -> None:
        self._data, self._labels, self._size, self._shuffle = data, labels, size, shuffle

    def __len__(self) -> int:
        return math.ceil(len(self._labels) / self._size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        count = len(self._labels)
        order, view = np.arange(count), np.zeros(count, dtype=np.int64)
        if self._shuffle is not None:
            random = np.random.default_rng(self._shuffle)
            order, view = random.permutation(count), random.integers(0, self._data.views, count)
        for number, start in enumerate(range(0, count, self._size)):
            # Sorted positions read a memory map in order.
            chosen = np.sort(order[start : start + self._size])
            values = self._data.take(view[chosen], chosen)
            if self._shuffle is not None and self._data.live_augmentation is not None:
                values = augment(values, self._data.live_augmentation, seed=derived_seed(self._shuffle, number))
            yield values, torch.from_numpy(self._labels[chosen])


@final
class _PhaseModule(lightning.LightningModule):
    """The trainable part of a network for one phase."""

    def __init__(self, network: Network, phase: Phase, data: PhaseData, *, weights: Tensor | None, seed: int) -> None:
        super().__init__()
        self.network = network
        self.phase = phase
        self.data = data
        self.seed = seed
        self.loss = nn.CrossEntropyLoss(weight=weights)
        self._logits: list[Tensor] = []
        self._losses: list[float] = []
        self._resumed_plateau: dict[str, Any] | None = None
        self.val_probabilities: NDArray[np.float32] = np.empty((0, 0), dtype=np.float32)

    def forward(self, values: Tensor) -> Tensor:
        boundary = self.phase.boundary
        logits: Tensor
        if boundary == EMBEDDING:
            logits = self.network.head.classify(values)
        elif boundary == 0:
            logits = self.network(values)
        else:
            shape = self.data.train.map_shape or (0, 0, 0)
            cut = values.shape[1] - math.prod(shape)
            maps = values[:, cut:].float().view(-1, *shape).contiguous(memory_format=torch.channels_last)
            logits = self.network.finish(maps, values[:, :cut], start=int(boundary))
        return logits.float()

    def train_dataloader(self) -> _Batches:
        return _Batches(
            self.data.train,
            self.data.train_labels,
            self.phase.batch_size,
            shuffle=derived_seed(self.seed, self.phase.name, self.current_epoch),
        )

    def val_dataloader(self) -> _Batches:
        return _Batches(self.data.val, self.data.val_labels, self.phase.batch_size, shuffle=None)

    def on_train_epoch_start(self) -> None:
        torch.manual_seed(derived_seed(self.seed, self.phase.name, "dropout", self.current_epoch))
        self._losses = []
        if self.phase.boundary != EMBEDDING and self.network.pretrained:
            # A small batch says little about means and variances: keep those of the pretraining.
            for layer in self.network.stages.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.eval()

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        loss: Tensor = self.loss(self(batch[0]), batch[1])
        if not torch.isfinite(loss):
            raise TrainingError(
                f"The loss became {loss.item()} in phase {self.phase.name}, epoch {self.current_epoch + 1}",
                fix="check the images for constant or corrupt ones, or try another seed; no model was written",
            )
        self._losses.append(float(loss.detach()))
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        self._logits.append(self(batch[0]).detach().cpu())

    def on_validation_epoch_end(self) -> None:
        logits = torch.cat(self._logits)
        self._logits = []
        labels = self.data.val_labels
        if len(logits) != len(labels):  # Lightning's sanity pass
            return
        loss = float(self.loss(logits.to(self.device), torch.from_numpy(labels).to(self.device)))
        self.val_probabilities = logits.softmax(1).numpy()
        auc = macro_auc(labels, self.val_probabilities)
        self.log("val_loss", loss)
        self.log("val_auc", auc)
        self.log("val_score", score(auc, loss))
        # Stepped here, not by Lightning, which would do it after the checkpoint: a resumed run must not miss a step.
        self._plateau.step(score(auc, loss))
        self.log("train_loss", float(np.mean(self._losses)) if self._losses else math.nan)

    def configure_optimizers(self) -> Any:
        decay = [p for p in self.parameters() if p.requires_grad and p.dim() > 1]
        plain = [p for p in self.parameters() if p.requires_grad and p.dim() <= 1]
        optimizer = torch.optim.AdamW(
            [{"params": decay, "weight_decay": self.phase.weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=self.phase.learning_rate,
        )
        self._plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer,
            mode="max",
            factor=0.3,
            patience=max(1, self.phase.patience // 3),
            min_lr=self.phase.learning_rate / 100,
        )
        return optimizer

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["plateau"] = self._plateau.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self._resumed_plateau = checkpoint["plateau"]

    def on_train_start(self) -> None:
        if self._resumed_plateau is not None:
            self._plateau.load_state_dict(self._resumed_plateau)


@final
class _Teller(Callback):
    """Publishes each epoch, and keeps the history through a resume."""

    def __init__(self, phase: Phase, bus: EventBus) -> None:
        self.phase, self.bus = phase, bus
        self.history: list[dict[str, Any]] = []
        self._clock = time.perf_counter()
        self._first = 0

    def state_dict(self) -> dict[str, Any]:
        return {"history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.history = list(state_dict["history"])

    def on_train_start(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        self._clock, self._first = time.perf_counter(), trainer.current_epoch
        if self.history:
            self.bus.publish(EpochsRecalled(self.phase.name, tuple(self.history)))

    def on_validation_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        epoch = trainer.current_epoch
        row = {key: float(trainer.callback_metrics[key]) for key in ("train_loss", "val_loss", "val_auc")}
        reached = score(row["val_auc"], row["val_loss"])
        best = all(reached > score(old["val_auc"], old["val_loss"]) for old in self.history)
        rate = float(trainer.optimizers[0].param_groups[0]["lr"])
        self.history.append({"phase": self.phase.name, "epoch": epoch + 1, **row, "learning_rate": rate, "best": best})
        if isinstance(module, _PhaseModule):
            self.bus.publish(
                ValidationMeasured(
                    self.phase.name, epoch + 1, module.data.val_labels, module.val_probabilities,
                    module.data.val.rows, reached, module.network,
                )
            )  # fmt: skip
        pace = (time.perf_counter() - self._clock) / (epoch + 1 - self._first)
        left = pace * (self.phase.epochs - epoch - 1)
        self.bus.publish(
            EpochFinished(
                self.phase.name, epoch + 1, self.phase.epochs, row["train_loss"], row["val_loss"], row["val_auc"],
                rate, left, best,
            )
        )  # fmt: skip


def fit(
    network: Network,
    phase: Phase,
    data: PhaseData,
    *,
    weights: Tensor | None,
    seed: int,
    folder: Path,
    device: torch.device,
    bus: EventBus,
) -> PhaseResult:
    """Train the part of ``network`` after the phase's boundary; leaves the best weights in it.

    ``folder`` keeps the last and best checkpoints: a call with the same folder goes on from the last epoch.

    Raises
    ------
    TrainingError
        The loss stopped being a number.
    KeyboardInterrupt
        Stopped by the user; the folder holds what is needed to go on.
    """
    _thaw(network, phase)
    network.train()  # Lightning keeps the mode that it finds, and an earlier phase ends in evaluation mode
    module = _PhaseModule(network, phase, data, weights=weights, seed=seed)
    teller = _Teller(phase, bus)
    keeper = ModelCheckpoint(
        folder,
        filename="best",
        monitor="val_score",
        mode="max",
        save_last=True,
        # Between epochs: a run resumed from within one would skip what the start of an epoch sets.
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    bf16 = training_dtype(device) is torch.bfloat16 and phase.boundary != EMBEDDING
    last = _readable(folder / "last.ckpt")
    bus.publish(PhaseStarted(phase.name, phase.epochs))
    with _quiet():
        trainer = lightning.Trainer(
            accelerator="gpu" if device.type == "cuda" else "cpu",
            devices=1,
            precision="bf16-mixed" if bf16 else "32-true",
            max_epochs=phase.epochs,
            callbacks=[
                # The teller writes the history before the keeper saves it.
                teller,
                EarlyStopping("val_score", mode="max", patience=phase.patience, check_finite=False),
                keeper,
            ],
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            reload_dataloaders_every_n_epochs=1,
            gradient_clip_val=5.0,
            deterministic=False,
        )
        _run(trainer, module, last)
    best = torch.load(keeper.best_model_path, map_location="cpu", weights_only=True)["state_dict"]
    module.load_state_dict(best)
    network.cpu().eval().requires_grad_(False)
    best_score = max(score(row["val_auc"], row["val_loss"]) for row in teller.history)
    return PhaseResult(best_score, teller.history)


def _thaw(network: Network, phase: Phase) -> None:
    """Only what lies after the boundary learns; in a network of one stage, what its catalog entry names."""
    network.requires_grad_(False)
    network.head.requires_grad_(True)
    if phase.boundary == EMBEDDING:
        return
    network.stages[int(phase.boundary) :].requires_grad_(True)
    if phase.boundary == 0 and network.thawed_parameters:
        for name, parameter in network.stages[0].named_parameters():
            parameter.requires_grad_(name.startswith(network.thawed_parameters))


def _readable(checkpoint: Path) -> Path | None:
    """The checkpoint, or None where a killed process or a full disk has cut it: then the phase starts anew."""
    if not checkpoint.is_file():
        return None
    try:
        torch.load(checkpoint, map_location="cpu", weights_only=True)
    except Exception:  # whatever a damaged archive makes the reader raise
        checkpoint.unlink()
        return None
    return checkpoint


def _run(trainer: lightning.Trainer, module: _PhaseModule, checkpoint: Path | None) -> None:
    """Fit, letting Ctrl-C through as itself: Lightning would end the process with exit code 1."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(module, ckpt_path=checkpoint, weights_only=True)
    except SystemExit:
        if not trainer.interrupted:
            raise
        raise KeyboardInterrupt from None
    finally:
        try:
            signal.signal(signal.SIGINT, handler)
        except ValueError:
            pass  # not the main thread: nothing was changed


class _quiet:  # noqa: N801
    """Lightning's advice about workers, loggers and hardware is not for the users of lince."""

    def __enter__(self) -> None:
        self._levels = {name: logging.getLogger(name).level for name in ("lightning.pytorch", "lightning.fabric")}
        for name in self._levels:
            logging.getLogger(name).setLevel(logging.ERROR)
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, *error: object) -> None:
        self._warnings.__exit__(None, None, None)
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)
