"""Form: the outline of the body, and directions of edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lince.models.descriptors.tone import shrunk

Floats = NDArray[np.float64]

SIDE, CELL, DIRECTIONS = 64, 16, 8
# Limits of layers under the skin, in 1/128 of the image's side: thin ones first, where a skull or a rim of fat lies.
DEPTHS = (1, 2, 3, 4, 6, 9, 13, 20, 32)
_DEPTH_SIDE = 128
_BLACK = 16
OUTLINE = (
    "foreground share", "area share", "solidity", "eccentricity", "extent", "centre down", "centre right",
    "axis cosine", "axis sine", "parts", *(f"Hu {number}" for number in range(1, 8)),
)  # fmt: skip


def filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask (S, S) without its holes, like `scipy.ndimage.binary_fill_holes`, which goes over the image many times."""
    from scipy.ndimage import label

    empty, count = label(~mask)
    outside = np.zeros(count + 1, dtype=bool)
    outside[np.concatenate([empty[0], empty[-1], empty[:, 0], empty[:, -1]])] = True
    whole: NDArray[np.bool_] = mask | ~outside[empty]
    return whole


def outline(grey: NDArray[np.uint8]) -> Floats:
    """Measures of the foreground after Otsu's threshold: (17,), named in `OUTLINE`; zero without a foreground.

    The form is that of the largest part with its holes filled, as the outline of a body has none.
    """
    from scipy.ndimage import label
    from skimage.filters import threshold_otsu
    from skimage.measure import regionprops

    small = np.rint(shrunk(grey, SIDE)).astype(np.uint8)
    found = np.zeros(len(OUTLINE))
    if small.min() == small.max():
        return found
    mask = small > threshold_otsu(small)  # type: ignore[no-untyped-call]
    parts, count = label(mask)
    largest = np.bincount(parts.ravel())[1:].argmax() + 1
    body = filled(parts == largest)
    form = regionprops(body.astype(np.uint8))[0]  # type: ignore[no-untyped-call]
    hu = form.moments_hu
    centre = np.array(form.centroid) / SIDE
    found[:5] = mask.mean(), form.area / SIDE**2, form.solidity, form.eccentricity, form.extent
    found[5:10] = *centre, np.cos(2 * form.orientation), np.sin(2 * form.orientation), np.log1p(count)
    # They span many orders of magnitude; the sign of the last one tells left from right.
    found[10:] = np.sign(hu) * -np.log10(np.clip(np.abs(hu), 1e-12, None))
    return found


def depths(grey: NDArray[np.uint8]) -> Floats:
    """Mean grey in layers of the body by how deep they lie under its surface, then its deviation there: (20,).

    The body is what is not black, with its holes filled. Bone right under the skin is bright in CT and dark in MR.
    """
    from scipy.ndimage import distance_transform_edt

    small = shrunk(grey, _DEPTH_SIDE)
    body = filled(small > _BLACK)
    deep = distance_transform_edt(np.pad(body, 1))[1:-1, 1:-1][body]
    layer, values = np.searchsorted(DEPTHS, deep, side="left"), small[body]
    count = np.maximum(np.bincount(layer, minlength=len(DEPTHS) + 1), 1)
    means = np.bincount(layer, values, minlength=len(count)) / count
    squares = np.bincount(layer, (values - means[layer]) ** 2, minlength=len(count)) / count
    return np.concatenate([means, np.sqrt(squares)])


def edge_directions(grey: NDArray[np.uint8]) -> Floats:
    """Histograms of oriented gradients (Dalal & Triggs, 2005) of the image at 64 px, cells of 16 px: (288,)."""
    from skimage.feature import hog

    found: Floats = hog(
        shrunk(grey, SIDE),
        orientations=DIRECTIONS,
        pixels_per_cell=(CELL, CELL),
        cells_per_block=(2, 2),
        block_norm="L2-Hys",
    )
    return found
