"""What makes a prediction one to rely on: calibration, prediction sets, abstention, and refusing unknown images."""

from lince.trust.abstention import Referral
from lince.trust.calibration import Calibration, fit_calibration, fit_temperature, softmax
from lince.trust.conformal import COVERAGE, PredictionSets
from lince.trust.inputs import is_blank
from lince.trust.novelty import Novelty
from lince.trust.record import LOW_CONFIDENCE, Trust
from lince.trust.statistics import image_statistics

__all__ = [
    "COVERAGE",
    "LOW_CONFIDENCE",
    "Calibration",
    "Novelty",
    "PredictionSets",
    "Referral",
    "Trust",
    "fit_calibration",
    "fit_temperature",
    "image_statistics",
    "is_blank",
    "softmax",
]
