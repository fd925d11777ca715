"""What is said of each kind of finding: a heading, one line, what was found, what to do.

The templates take their values from `lince.data.audit.telling`; a sentence for which a value is missing is left out.
Words between backticks are to be typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lince.data.audit import kinds

# A shortcut reads differently when it lies in the file, in the frame, or in what the image shows.
SHORTCUT_IN = {about: f"{kinds.SHORTCUT}-{about}" for about in ("container", "frame", "content")}

# Classes of about the same size, one of which has no image in some part.
CLASS_ABSENT = f"{kinds.CLASS_BALANCE}-absent"


@dataclass(frozen=True, slots=True)
class Saying:
    """Templates for one kind of finding.

    Attributes
    ----------
    title
        Heading on the page.
    line
        The finding on one line of a terminal: short, without a full stop.
    what
        What was found, sentence by sentence.
    do
        What to do about it, sentence by sentence.
    """

    title: str
    line: str
    what: tuple[str, ...]
    do: tuple[str, ...]


_CLEAN_SPLIT = (
    "Make a split without this: `lince data split {source} clean.csv --redraw`, then `lince train clean.csv`."
)
_EXACT = "{exact:# of them is an exact copy|# of them are exact copies}."
_PROBE = (
    "From this fact alone ({fact}), a simple rule tells {label} from the rest with an AUC of {auc:.2} "
    "(95% interval {low:.2} to {high:.2}); guessing gives {chance:.2}."
)

SAYINGS: Mapping[str, Saying] = {
    kinds.CONFLICTING_LABELS: Saying(
        "The same picture with different labels",
        "{cases:# picture has|# pictures have} copies under different labels",
        (
            "{cases:# picture appears|# pictures appear} more than once, and the copies carry different labels: "
            "{labels}.",
            _EXACT,
        ),
        (
            "Ask someone who can read these images which label is right, and keep one copy of each.",
            "Until then leave them all out: no model can be right about both.",
        ),
    ),
    kinds.DUPLICATES_ACROSS_SPLITS: Saying(
        "Copies in different parts of the split",
        "{cases:# picture has|# pictures have} copies in different parts of the split",
        (
            "{cases:# picture has|# pictures have} copies in different parts: {splits}.",
            _EXACT,
            "Of the {twins_of} images of the part {twins_part}, {twins} ({twins_share:%}) have a copy in another part.",
        ),
        ("A model that has seen the test image in training looks better than it is.", _CLEAN_SPLIT),
    ),
    kinds.GROUP_ACROSS_SPLITS: Saying(
        "Patients in different parts of the split",
        "{groups:# patient stands|# patients stand} in different parts of the split",
        ("{groups:# patient or case|# patients or cases}, of {of}, have images in more than one part: {splits}.",),
        ("Part of the test is then about patients whom the model knows.", _CLEAN_SPLIT),
    ),
    kinds.DUPLICATES_ACROSS_COLLECTIONS: Saying(
        "Images that the other collection has too",
        "{cases:# picture is|# pictures are} in {against} too",
        ("{cases:# picture of this collection is|# pictures of this collection are} in {against} too.", _EXACT),
        ("Take them out of one of the two before a model trained on one is tested on the other.",),
    ),
    kinds.DUPLICATES_ACROSS_GROUPS: Saying(
        "The same picture under different patients",
        "{cases:# picture has|# pictures have} copies under different patients",
        ("{cases:# picture appears|# pictures appear} under the names of different patients.", _EXACT),
        (
            "Either a patient has two names here, or an image was filed under the wrong one: correct the names.",
            "As long as they differ, a split by patient can put the copies on two sides.",
        ),
    ),
    SHORTCUT_IN["container"]: Saying(
        "Gives the label away: {facts}",
        "The label shows in: {facts} (AUC {auc:.2})",
        (
            _PROBE,
            "{detail}.",
            "This is a matter of files, not of disease. A model may learn it, score well here and fail elsewhere.",
        ),
        (
            "Find out why the classes differ in it: two hospitals, two machines, two programs?",
            "Bring all images to the same form, or choose them so that every class has every form, and audit again.",
        ),
    ),
    SHORTCUT_IN["frame"]: Saying(
        "Gives the label away: {facts}",
        "The label shows in: {facts} (AUC {auc:.2})",
        (
            _PROBE,
            "{detail}.",
            "Borders and letters come from the machine, not from the patient. A model may learn them instead.",
        ),
        ("Crop or cover them alike in every class, and audit again.",),
    ),
    SHORTCUT_IN["content"]: Saying(
        "Tells much about the label: {facts}",
        "The label shows in: {facts} (AUC {auc:.2})",
        (
            _PROBE,
            "{detail}.",
            "Disease can change brightness and contrast, so this may be real. It may also be another machine.",
        ),
        (
            "Ask whether the classes were recorded alike.",
            "If they were not, compare figures within one machine or site before you believe them.",
        ),
    ),
    kinds.GROUPS_MISSING: Saying(
        "Patients seem to be missing",
        "{share:%} of the images have a near copy, and no patient is named",
        ("{share:%} of the images look nearly the same as another, and no image says of which patient it is.",),
        (
            "Name the patients: in the file names (`patient012_scan1.png`), or in the column `group` of a manifest.",
            "Until then `lince train` keeps near copies on one side of the splits that it draws.",
        ),
    ),
    kinds.CORRUPT: Saying(
        "Files that cannot be read",
        "{count:# file cannot|# files cannot} be read",
        ("{count:# file cannot|# files cannot} be read and will be left out: {reasons}.",),
        ("Copy them again from where they came from, or remove them.",),
    ),
    kinds.BLANK: Saying(
        "Images that show nothing",
        "{count:# image shows|# images show} nothing",
        ("{count:# image is|# images are} of one flat grey.",),
        ("Remove them, or find out why they were exported empty: a transfer cut short, or the wrong window.",),
    ),
    kinds.SATURATED: Saying(
        "Overexposed images",
        "{count:# image is|# images are} overexposed",
        (
            "In {count:# image|# images} ({share:%}) much is pure white: what was there is lost.",
            "Usual in this collection is {usual:%} of the pixels.",
        ),
        ("Look at how they were exported: window, gain, number of bits.",),
    ),
    kinds.BURNED_IN_TEXT: Saying(
        "Letters or markers in the images",
        "{count:# image seems|# images seem} to have letters or markers in the pixels",
        (
            "{count:# image|# images} ({share:%}) seem to have letters or markers in the picture.",
            "Where: {where}.",
            "{by_header:# header says so or does not deny it|# headers say so or do not deny it} (DICOM).",
        ),
        (
            "Look for names and dates first: they must not leave the hospital.",
            "A model can learn the marker instead of the disease: crop or cover it alike in every class.",
        ),
    ),
    kinds.CLASS_BALANCE: Saying(
        "Classes of very different size",
        "“{largest}” has {ratio} times as many images as “{smallest}”",
        (
            "The class “{largest}” has {large:# image|# images}, “{smallest}” has {small}: {ratio} to 1.",
            "No image in {absent}.",
        ),
        (
            "`lince train` gives rare classes more weight, so this alone spoils nothing.",
            "Figures for a rare class are uncertain all the same: look at its interval, and collect more of it.",
        ),
    ),
    CLASS_ABSENT: Saying(
        "Classes missing from a part",
        "No image in {absent}",
        ("No image in {absent}.",),
        ("What has no training image cannot be learnt; what has no test image cannot be measured.", _CLEAN_SPLIT),
    ),
    kinds.ATTRIBUTE_BALANCE: Saying(
        "Differs between the classes: {attribute}",
        "{attribute} differs between the classes ({effect:.2} of 1)",
        (
            "The classes are not alike in {attribute}: the difference is {effect:.2} on a scale from 0 (alike) to 1 "
            "(nothing in common).",
        ),
        (
            "A model may learn {attribute} instead of the disease.",
            "Choose images so that the classes are alike in it, or report figures for each of its values.",
        ),
    ),
    kinds.DRIFT: Saying(
        "{against} looks different",
        "{against} looks different from this collection",
        (
            "From the look of an image alone, a simple rule tells from which of the two collections it comes with an "
            "AUC of {auc:.2} (95% interval {low:.2} to {high:.2}); {chance:.2} would mean that they are alike.",
            "They differ the most in: {facts}.",
        ),
        ("Expect other figures there than here, and measure there before use: `lince evaluate BUNDLE {against}`.",),
    ),
    kinds.DUPLICATES: Saying(
        "Copies within the collection",
        "{cases:# picture appears|# pictures appear} more than once",
        (
            "{cases:# picture appears|# pictures appear} more than once; {share:%} of the images have a copy.",
            "How they are alike: {relations}.",
        ),
        (
            "A copy adds nothing to learn and counts twice in a test: keep one of each.",
            "Where they stay, they belong on one side of the split; `lince data split` sees to it.",
        ),
    ),
    kinds.EXTREME: Saying(
        "Far from the rest: {fact}",
        "{count:# image is|# images are} far from the rest in: {fact}",
        ("{count:# image lies|# images lie} outside what is usual here: {low} to {high}, {median} in the middle.",),
        ("Look at them: another examination, a screenshot, an export gone wrong?",),
    ),
}

ANSWERS: Mapping[str | None, str] = {
    "severe": "Do not train on this yet: {n:# severe finding|# severe findings}",
    "warning": "Look before you train: {n:# warning|# warnings}",
    "note": "Nothing stands in the way of training",
    None: "Nothing stands in the way of training",
}
"""The answer by the worst severity found."""
