"""Why a figure or its interval is missing, and what to know before trusting the rest.

Fixed sentences without numbers, so that a report can say them in another language.
"""

from __future__ import annotations

NO_POSITIVE = "no class was named as the positive one"
NO_POSITIVES_HERE = "no images of the positive class"
NO_NEGATIVES_HERE = "no images of any other class"
NONE_CALLED_POSITIVE = "no image was called positive"
NONE_CALLED_NEGATIVE = "no image was called negative"
ONE_SIDE = "needs images of this class and of another"
ONE_CLASS = "needs images of two classes or more"
NO_FALSE_ALARM = "no false alarm, so the ratio has no upper limit"
NONE_CLEARED = "no image of another class was called negative, so the ratio has no upper limit"
NO_PREVALENCE = "no prevalence was stated"
ONE_DECISION = "every image got the same decision"
TWO_CLASSES = "with two classes it says no more than the AUC"
FEW_CLASSES = "the model has too few classes: it would always be right"
SAME_SCORE = "every image has the same probability"
SEPARATED = "the probabilities separate the classes without an overlap, so no slope fits best"
NO_INTERVAL = "no interval: too few images to resample"
NO_ECE_INTERVAL = "no interval: resampling overstates a calibration error"
NO_SPREAD = "no interval: the resamples do not vary"
NO_RATIO_INTERVAL = "no interval: one side of the ratio counts too few images"
NO_INFORMATION = "no interval: the probabilities are too near 0 and 1 for so few images"
ONE_GROUP = "no interval: all images come from one patient or group"
NOTE_GROUPS = "Several images come from one patient or group, so the intervals treat the patient or group as the unit."
NOTE_FEW_GROUPS = "Fewer than 30 patients or groups: the intervals are probably too narrow."
NOTE_ABSENT = (
    "A class of the model has no images here, so nothing is known of how it recognises that class; once an image is "
    "called so, it counts 0 in macro F1."
)
NOTE_CONSTANT = "Every image got the same probabilities: the model tells nothing apart."
