"""Stored grey values to display values: DICOM's pipeline (PS3.4, N.2) as one table.

Every step depends on the stored value alone, so the steps run once on each possible value (at most 65,536) and the
picture is looked up in the result: exact, quick, and two bytes a pixel of memory.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_windowing

from lince.imaging.decoded import Pixels

_DECIDES_GREY = (
    "BitsStored", "HighBit", "PixelRepresentation", "PhotometricInterpretation", "PresentationLUTShape",
    "PixelPaddingValue", "PixelPaddingRangeLimit", "ModalityLUTSequence", "RescaleIntercept", "RescaleSlope",
    "RescaleType", "VOILUTSequence", "VOILUTFunction", "WindowCenter", "WindowWidth",
)  # fmt: skip


def to_grey(stored: NDArray[Any], ds: Dataset, frame: int = 0) -> Pixels:
    """Apply modality LUT, VOI (the first), nominal range, polarity and padding.

    Parameters
    ----------
    stored
        (H, W) integers as decoded.
    ds
        The data set they came from.
    frame
        Which of its frames they are, from 0; enhanced objects have a rescale and a window for each.

    Returns
    -------
    Pixels
        (H, W), uint8 for up to 8 stored bits, else uint16; 0 is black and padding.
    """
    ds = _of_frame(ds, frame)
    bits = int(ds.BitsStored)
    signed = int(ds.get("PixelRepresentation", 0) or 0) == 1
    count = 1 << bits
    # Table position -> stored value: the bits as they lie, in two's complement when signed.
    values = np.arange(count, dtype=np.int32)
    if signed:
        values[count // 2 :] -= count
    display = _display(values, ds)
    if _inverted(ds):
        display = 1.0 - display
    display[_is_padding(values, ds, count)] = 0.0
    display = np.clip(display, 0.0, 1.0)
    positions = _positions(stored, ds, bits)
    if bits <= 8:
        return np.rint(display * 255).astype(np.uint8)[positions]
    return np.rint(display * 65535).astype(np.uint16)[positions]


def _positions(stored: NDArray[Any], ds: Dataset, bits: int) -> NDArray[np.uint16]:
    """Where each pixel stands in the table; bits outside the stored ones may hold an old-style overlay."""
    raw = stored.astype(np.uint16, copy=False)
    high = int(ds.get("HighBit", bits - 1))
    if bits <= high < 8 * stored.dtype.itemsize:
        raw = raw >> np.uint16(high + 1 - bits)
    return raw & np.uint16((1 << bits) - 1)


def _display(values: NDArray[np.int32], ds: Dataset) -> NDArray[np.float64]:
    """Modality LUT, then VOI, scaled to 0..1 by the range that the header names, not by what this picture uses."""
    output = np.asarray(apply_modality_lut(values, ds))
    voi = (ds.get("VOILUTSequence") or [None])[0]
    if voi is not None and voi.get("LUTDescriptor") and voi.get("LUTData"):
        return _look_up(output, voi)
    ends = _modality_range(values, output, ds)
    if _has_window(ds):
        # pydicom spreads a window from the first end to the last, also where a negative slope swaps them
        return _unit(np.asarray(apply_windowing(output, ds, index=0)), *ends)
    return _unit(output, min(ends), max(ends))


def _unit(output: NDArray[Any], low: float, high: float) -> NDArray[np.float64]:
    return (output.astype(np.float64) - low) / (high - low) if high != low else np.zeros(output.shape)


def _modality_range(values: NDArray[np.int32], output: NDArray[Any], ds: Dataset) -> tuple[float, float]:
    if ds.get("ModalityLUTSequence"):
        return 0.0, float((1 << int(ds.ModalityLUTSequence[0].LUTDescriptor[2])) - 1)
    return float(output[int(values.argmin())]), float(output[int(values.argmax())])


def _has_window(ds: Dataset) -> bool:
    """Whether the first window can be applied; one that cannot is no reason to refuse the picture."""
    center, width = (_first_number(ds.get(keyword)) for keyword in ("WindowCenter", "WindowWidth"))
    if center is None or width is None:
        return False
    function = str(ds.get("VOILUTFunction") or "LINEAR").strip().upper()
    if function == "LINEAR":
        return width > 1
    return function in ("LINEAR_EXACT", "SIGMOID") and width > 0


def _first_number(value: Any) -> float | None:
    if value is None or value == "":
        return None
    first = value[0] if hasattr(value, "__getitem__") and len(value) else value
    number = float(first) if first not in (None, "") else math.nan
    return number if math.isfinite(number) else None


def _look_up(output: NDArray[Any], item: Dataset) -> NDArray[np.float64]:
    """A VOI LUT (PS3.3, C.11.2.1.1). pydicom's own wraps around when 8-bit entries are more than 256."""
    entries, first, depth = (int(n) for n in item.LUTDescriptor)
    data = item.LUTData
    if isinstance(data, bytes):
        table = np.frombuffer(data, np.uint8 if len(data) == (entries or 65536) else "<u2")
    else:
        table = np.asarray(data)
    table = table[: entries or 65536]
    position = np.clip(np.rint(output).astype(np.int64) - first, 0, len(table) - 1)
    looked_up: NDArray[np.float64] = table[position].astype(np.float64) / ((1 << depth) - 1)
    return looked_up


def _inverted(ds: Dataset) -> bool:
    """Polarity, once: a presentation LUT shape speaks before the photometric interpretation does."""
    shape = str(ds.get("PresentationLUTShape") or "").strip().upper()
    return shape == "INVERSE" or (shape != "IDENTITY" and str(ds.PhotometricInterpretation).strip() == "MONOCHROME1")


def _is_padding(values: NDArray[np.int32], ds: Dataset, count: int) -> NDArray[np.bool_]:
    """Pixels outside the picture (PS3.3, C.7.5.1.1.2). Compared as bits: writers disagree on the sign of the value."""
    first = ds.get("PixelPaddingValue")
    if not isinstance(first, int):
        return np.zeros(values.shape, np.bool_)
    last = ds.get("PixelPaddingRangeLimit")
    low, high = _as_stored(first, values, count), _as_stored(last if isinstance(last, int) else first, values, count)
    return (values >= min(low, high)) & (values <= max(low, high))


def _as_stored(value: int, values: NDArray[np.int32], count: int) -> int:
    return int(values[value % count])


def _of_frame(ds: Dataset, frame: int) -> Dataset:
    """What decides the grey values of one frame, with the rescale and window of its functional groups on top.

    Enhanced objects keep them there (PS3.3, C.7.6.16): for all frames alike, or for each. The data set itself is left
    alone, since the next frame has others.
    """
    groups = [
        group
        for name, index in (("SharedFunctionalGroupsSequence", 0), ("PerFrameFunctionalGroupsSequence", frame))
        if index < len(sequence := ds.get(name) or ()) and (group := sequence[index]) is not None
    ]
    if not groups:
        return ds
    lifted = Dataset()
    for keyword in _DECIDES_GREY:
        if keyword in ds:
            lifted[keyword] = ds[keyword]
    for group in groups:
        for name in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for element in (group.get(name) or [()])[0]:
                lifted[element.tag] = element
    return lifted
