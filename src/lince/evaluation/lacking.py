"""Why a comparison is missing: fixed sentences without numbers, so that a report can say them in another language."""

from __future__ import annotations

NO_FIGURE = "one of the two figures does not exist"
NO_INTERVAL = "no interval: one of the two figures has none"
NO_REST = "no other images with this attribute"
SAME_DECISIONS = "both decide every one of these images alike"
SAME_RANKING = "both rank these images alike"
NO_OWN_FIGURES = "the bundle holds no such figure of its own test images"
RECALIBRATION_NO_POSITIVE = "a recalibration needs a positive class, and this bundle has none"
RECALIBRATION_ONE_CLASS = "a recalibration needs images of the positive class and of another"
RECALIBRATION_FEW = "too few images: a recalibration needs 20, and 20 more to measure it on"
RECALIBRATION_DRAWS = "too few draws had images of both classes"
