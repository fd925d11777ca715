"""Seconds of one epoch of the head on frozen features, for as many images as the chest X-ray collection has.

The features are random numbers: what an epoch costs does not depend on what they say.
"""

from __future__ import annotations

import statistics
import time
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from bench.common import scratch

IMAGES, VALIDATION = 5_216, 624


def run(*, quick: bool = False) -> dict[str, Any]:
    from lince.core.events import EpochFinished, Event, EventBus
    from lince.models import build, entry_for
    from lince.training.activations import Activations
    from lince.training.fit import PhaseData, fit
    from lince.training.losses import Balance, Imbalance
    from lince.training.options import TrainOptions
    from lince.training.plan import make_plan

    entry = entry_for("efficientnet-lite0")
    network = build(entry, 2, entry.image_spec(), pretrained=False)
    random = np.random.default_rng(0)

    def features(count: int) -> tuple[Activations, np.ndarray]:
        values = random.normal(size=(1, count, network.head.features)).astype(np.float32)
        return Activations(values, np.arange(count)), random.integers(0, 2, count)

    data = PhaseData(*features(IMAGES), *features(VALIDATION))
    epochs = 3 if quick else 15
    plan = make_plan(TrainOptions(preset="fast", epochs=epochs), entry, thaw_from=0, images=IMAGES)
    phase = plan.phases[0].model_copy(update={"patience": epochs})
    ends: list[float] = []
    bus = EventBus()

    def hear(event: Event) -> None:
        if isinstance(event, EpochFinished):
            ends.append(time.perf_counter())

    bus.subscribe(hear)
    balance = Balance.of(Imbalance(kind="weights"), data.train_labels, 2)
    with scratch() as folder:
        fit(network, phase, data, balance=balance, seed=0, folder=folder, device=torch.device("cpu"), bus=bus)
    seconds = [after - before for before, after in pairwise(ends)]
    return {
        "images": IMAGES,
        "validation": VALIDATION,
        "features": network.head.features,
        "batch": phase.batch_size,
        "seconds": statistics.median(seconds),
        "slowest": max(seconds),
    }
