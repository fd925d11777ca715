"""Every kind of finding: its stable name, how severe it can be, and the values that it carries.

All values are ready for JSON. Shares lie between 0 and 1. A *case* is one piece of evidence: a group of copies, a
patient, an image. ``relation`` says how the images of a case were found to be the same picture: ``file`` (the same
bytes), ``pixels`` (the same decoded pixels), ``near`` (re-encoded, brightened, cropped by a hair), ``mirrored``,
``rotated`` (by a multiple of 90 degrees, perhaps mirrored as well), ``cropped`` (a part of the other, enlarged).

``conflicting-labels`` (severe)
    Copies with different labels. ``cases``; ``exact``: cases of relation ``file`` or ``pixels``; ``labels``: cases by
    the labels joined by `` / ``.
    Evidence: ``relation``, ``similarity`` (0 to 1), ``labels``, ``splits``, ``groups`` (one each per member).
``duplicates-across-splits`` (severe)
    Copies in different parts. ``cases``, ``exact``; ``splits``: cases by the parts joined by `` / ``; ``twins``:
    by part, images with a copy in another part, and ``of``: images of that part. Evidence as above.
``group-across-splits`` (severe)
    A patient, case or slide in different parts. ``groups``: how many; ``of``: groups in all; ``splits``: groups by
    the parts joined by `` / ``. Evidence: ``group``, ``splits`` (images by part).
``duplicates-across-groups`` (warning)
    Copies that are said to be of different patients. ``cases``, ``exact``. Evidence as for labels.
``duplicates`` (note; warning when ``share`` is 0.05 or more)
    Every copy there is. ``cases``, ``exact``; ``share`` of images that have a copy; ``relations``: cases by relation.
    Evidence as for labels.
``groups-missing`` (warning)
    Many images have a near copy, and no image names a patient. ``cases``, ``share``. Evidence as for labels.
``shortcut`` (severe, warning)
    One trivial fact tells the label; one finding per fact. ``fact``, ``about``, ``auc``, ``low``, ``high``, ``label``,
    ``detail`` (see `Probe`), ``tried``: facts that were tried. Evidence: images with telling values; ``value``.
``corrupt`` (warning)
    Files that cannot be read; ``reasons``: files by reason; ``paths``: the first of them, ``path`` and ``reason``.
    Evidence: ``reason``; ``members`` are the positions of those that are in the collection.
``blank`` (warning)
    Images that show nothing. ``share``. Evidence: ``mean`` and ``std`` (grey levels, 0 to 255).
``saturated`` (warning; note when it is how the collection is)
    Images of which much is pure white or lies at the ceiling. ``share``, ``usual``: the median share of such pixels.
    Evidence: ``white``, ``black`` (shares of pixels).
``extreme`` (note)
    Images far out from the rest; one finding per fact. ``fact`` (``width``, ``height``, ``aspect``, ``mean``,
    ``std``, ``sharpness``), ``median``, ``low``, ``high``: the range that is still usual. Evidence: ``value``.
``class-balance`` (warning, note)
    Classes far from equally frequent, or absent from a part. ``counts``; ``smallest``, ``largest`` (names), ``ratio``
    (largest to smallest); ``absent``: by part, the classes without an image.
``attribute-balance`` (warning, note)
    An attribute is distributed differently in the classes; one finding per attribute. ``attribute``; ``measure``
    (``cramers-v`` or ``ks``), ``effect`` (0 to 1), ``p`` (corrected for the number of attributes); ``table``: by
    class, the shares of values, or the quartiles of a number.
``burned-in-text`` (warning; note when only the header says so, or in one or two images)
    Letters or markers in the pixels. ``share``; ``by_pixels``, ``by_header``: images; ``where``: images by place
    (``top-left``, ``bottom``, ...). Evidence: ``boxes``, each ``[top, left, bottom, right]`` as shares of the height
    and width; ``reason`` (``pixels`` or ``header``).
``duplicates-across-collections`` (severe)
    Images that are in the other collection too. ``cases``, ``exact``, ``against`` (its name). Evidence: ``members``
    are here; ``theirs``: positions there, ``paths``: their paths; ``relation``, ``similarity``.
``drift`` (warning, note)
    How far the other collection differs. ``against`` (its name); ``statistics``: for each of the most different
    facts ``fact``, ``here``, ``there`` (medians), ``effect`` (KS distance, 0 to 1), ``p``; ``auc``, ``low``, ``high``:
    how well a probe on embeddings tells the two apart (null without embeddings); ``attributes``: for each
    ``attribute``, ``measure``, ``effect``, ``p``; ``classes``: shares by class, ``here`` and ``there``.
    Evidence: images here that look the least like those there.
"""

from __future__ import annotations

from typing import Final

CONFLICTING_LABELS: Final = "conflicting-labels"
DUPLICATES_ACROSS_SPLITS: Final = "duplicates-across-splits"
GROUP_ACROSS_SPLITS: Final = "group-across-splits"
DUPLICATES_ACROSS_COLLECTIONS: Final = "duplicates-across-collections"
DUPLICATES_ACROSS_GROUPS: Final = "duplicates-across-groups"
SHORTCUT: Final = "shortcut"
GROUPS_MISSING: Final = "groups-missing"
CORRUPT: Final = "corrupt"
BLANK: Final = "blank"
SATURATED: Final = "saturated"
BURNED_IN_TEXT: Final = "burned-in-text"
CLASS_BALANCE: Final = "class-balance"
ATTRIBUTE_BALANCE: Final = "attribute-balance"
DRIFT: Final = "drift"
DUPLICATES: Final = "duplicates"
EXTREME: Final = "extreme"

KINDS: tuple[str, ...] = (
    CONFLICTING_LABELS,
    DUPLICATES_ACROSS_SPLITS,
    GROUP_ACROSS_SPLITS,
    DUPLICATES_ACROSS_COLLECTIONS,
    DUPLICATES_ACROSS_GROUPS,
    SHORTCUT,
    GROUPS_MISSING,
    CORRUPT,
    BLANK,
    SATURATED,
    BURNED_IN_TEXT,
    CLASS_BALANCE,
    ATTRIBUTE_BALANCE,
    DRIFT,
    DUPLICATES,
    EXTREME,
)
"""All of them; within one severity, findings come in this order."""
