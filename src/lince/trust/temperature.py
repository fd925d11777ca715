"""Temperature scaling (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Under this calibrated probability of the decided class, a prediction carries the flag `low_confidence`.
LOW_CONFIDENCE = 0.70

# A small validation set that happens to be separated perfectly would ask for a temperature of zero.
_BOUNDS = (0.5, 10.0)


def calibrated(logits: ArrayLike, temperature: float = 1.0) -> NDArray[np.float64]:
    """(N, C) logits to (N, C) probabilities: softmax of ``logits / temperature``."""
    from scipy.special import softmax

    values: NDArray[np.float64] = softmax(np.asarray(logits, dtype=np.float64) / temperature, axis=1)
    return values


def fit_temperature(logits: ArrayLike, truth: ArrayLike) -> float:
    """The temperature that minimises the negative log likelihood of held-out data.

    Parameters
    ----------
    logits
        (N, C), from validation images.
    truth
        (N,) class positions.

    Returns
    -------
    float
        Between 0.5 and 10; 1.0 when there is nothing to fit on.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    scores = np.asarray(logits, dtype=np.float64)
    rows = np.asarray(truth, dtype=np.int64)
    if len(rows) == 0:
        return 1.0

    def loss(log_temperature: float) -> float:
        logs = log_softmax(scores / np.exp(log_temperature), axis=1)
        return float(-logs[np.arange(len(rows)), rows].mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(_BOUNDS)), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))
