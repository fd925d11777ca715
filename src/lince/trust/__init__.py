"""What turns scores into probabilities one can rely on: calibration (and, later, prediction sets and abstention)."""

from lince.trust.inputs import is_blank
from lince.trust.temperature import LOW_CONFIDENCE, calibrated, fit_temperature

__all__ = ["LOW_CONFIDENCE", "calibrated", "fit_temperature", "is_blank"]
