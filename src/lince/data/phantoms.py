"""The embedded collection: synthetic breast ultrasound, made here so that a demonstration needs no download.

Each image is fully developed speckle: scatterers with complex Gaussian amplitude, weighted by the tissue's
echogenicity, blurred by a point spread function, envelope taken (Rayleigh distributed) and log-compressed (Wagner et
al., IEEE Trans. Sonics Ultrason. 30:156, 1983). The lesion follows the BI-RADS descriptors: benign ones tend to be
oval, wider than tall, circumscribed, with a thin capsule and posterior enhancement; malignant ones irregular or
spiculated, taller than wide, indistinct, heterogeneous, with posterior shadowing. Each descriptor is drawn on its
own, so single ones mislead, and the classes overlap as they do in life.

Nothing in the pixels says that an image is synthetic (a network would learn it); file names, PNG metadata and
``lince.json`` do.
"""

from __future__ import annotations

import errno
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from lince.core.errors import ConfigError
from lince.core.files import atomic_folder, write_error, write_json
from lince.data.sources.marker import MARKER

NAME = "breast-ultrasound phantoms"
# Raised when the recipe changes, so that a folder written by an older one is not taken for this one's.
RECIPE = 1
_MALIGNANT_SHARE = 0.4

Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class _Lesion:
    """What one lesion looks like; lengths relative to the image's height, angles in radians, echo in dB.

    The descriptors from ``irregularity`` on run from 0, typical of benign, to 1, typical of malignant.
    """

    depth: float
    lateral: float
    radius: float
    tilt: float
    echo: float
    irregularity: float
    tallness: float
    shadowing: float
    indistinctness: float
    heterogeneity: float


def write_phantoms(folder: Path, *, count: int = 600, seed: int = 0, size: int = 128) -> Path:
    """Write a folder of synthetic breast ultrasound, ``benign/`` and ``malignant/``, 8-bit grey PNG.

    The same arguments give the same images. A folder written with the same arguments before is left as it is.

    Parameters
    ----------
    folder
        Where; it must not exist, or be empty, or hold the same phantoms.
    count
        Images, two in five malignant.
    size
        Typical side in pixels; images differ in size and are not square.

    Returns
    -------
    Path
        The folder, a source for `lince.data.load`.

    Raises
    ------
    OutputError
        The folder holds something else, or cannot be written.
    ConfigError
        ``count`` is under 2 or ``size`` under 32.
    """
    folder = Path(folder)
    if count < 2 or size < 32:
        raise ConfigError(
            "Phantoms need a count of at least 2 and a size of at least 32 pixels", received=(count, size)
        )
    facts = {"name": NAME, "synthetic": True, "recipe": RECIPE, "count": count, "seed": seed, "size": size}
    if _written(folder, facts):
        return folder
    malignant = min(max(1, round(count * _MALIGNANT_SHARE)), count - 1)
    with atomic_folder(folder) as place:
        for label, number in (("benign", count - malignant), ("malignant", malignant)):
            (place / label).mkdir()
            for index in range(1, number + 1):
                pixels, _ = draw_phantom(index, malignant=label == "malignant", seed=seed, size=size)
                text = PngImagePlugin.PngInfo()
                text.add_text("Description", f"synthetic {NAME}; not a patient")
                Image.fromarray(pixels).save(place / label / f"phantom_{label}_{index:04d}.png", pnginfo=text)
        # Last, so that a folder with a marker is whole.
        write_json(place / MARKER, facts)
    return folder


def draw_phantom(
    index: int, *, malignant: bool, seed: int = 0, size: int = 128
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The phantom of this number in a folder of this seed, and where its lesion is.

    Returns
    -------
    tuple of ndarray
        Image and lesion, (H, W) uint8 and bool, H and W about ``size``.
    """
    rng = np.random.default_rng([seed, malignant, index])
    return _phantom(rng, malignant=malignant, size=size)


def _written(folder: Path, facts: dict[str, object]) -> bool:
    """Whether the folder holds these very phantoms; an empty folder is removed to make room."""
    try:
        if (folder / MARKER).is_file():
            same = json.loads((folder / MARKER).read_text(encoding="utf-8")) == facts
            return same and sum(1 for _ in folder.glob("*/phantom_*.png")) == facts["count"]
        if folder.is_dir():
            folder.rmdir()
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise write_error(folder, error) from error
    except ValueError:
        pass
    return False


def _phantom(rng: np.random.Generator, *, malignant: bool, size: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    height = round(size * rng.uniform(0.82, 1.08))
    width = round(size * rng.uniform(0.95, 1.30))
    lesion = _draw_lesion(rng, malignant=malignant)
    depth, lateral = np.mgrid[0:height, 0:width] / height
    inside, edge = _shape(rng, lesion, depth, lateral)
    echo = _tissue(rng, depth, lateral) * (1 - inside)
    echo += inside * (lesion.echo + (1 + 5 * lesion.heterogeneity) * _texture(rng, depth.shape, 0.035, 0.045))
    # A thin bright capsule on benign lesions; a thick echogenic halo with no sharp inner side on malignant ones.
    capsule, halo = 1 - lesion.indistinctness, lesion.indistinctness
    echo += 7 * capsule * np.exp(-((edge / 0.012) ** 2)) + 3 * halo * np.exp(-(((edge - 0.05) / 0.04) ** 2))
    echo += _posterior(lesion, inside, depth)
    return _ultrasound(rng, echo, depth), inside > 0.5


def _draw_lesion(rng: np.random.Generator, *, malignant: bool) -> _Lesion:
    # A lesion is more or less typical of its class, and each descriptor more or less typical of the lesion.
    typical = rng.normal(0.80 if malignant else 0.20, 0.12)
    descriptors = np.clip(rng.normal(typical, 0.16, size=5), 0, 1)
    return _Lesion(
        depth=rng.uniform(0.36, 0.56),
        lateral=rng.uniform(0.25, 0.75),
        radius=rng.uniform(0.10, 0.22),
        tilt=rng.normal(0, 0.25),
        echo=rng.uniform(-22, -11),
        irregularity=descriptors[0],
        tallness=descriptors[1],
        shadowing=descriptors[2],
        indistinctness=descriptors[3],
        heterogeneity=descriptors[4],
    )


def _shape(rng: np.random.Generator, lesion: _Lesion, depth: Floats, lateral: Floats) -> tuple[Floats, Floats]:
    """How much of each pixel is lesion, 0 to 1, and the distance outward from its margin."""
    down = depth - lesion.depth
    across = lateral - lesion.lateral * lateral.max()
    cos, sin = np.cos(lesion.tilt), np.sin(lesion.tilt)
    down, across = down * cos - across * sin, down * sin + across * cos
    ratio = 1.75 * (0.72 / 1.75) ** lesion.tallness  # width to height: 1.75 benign, 0.72 malignant
    radius = np.hypot(down * np.sqrt(ratio), across / np.sqrt(ratio))
    angle = np.arctan2(down, across)
    waves = np.arange(2, 12)
    size = 0.03 + 0.14 * lesion.irregularity**1.5
    weight = rng.normal(0, 1, waves.size) * np.exp(-waves / (2 + 7 * lesion.irregularity))
    weight *= size / np.sqrt((weight**2).sum() / 2)
    phase = rng.uniform(0, 2 * np.pi, waves.size)
    margin = 1 + sum(w * np.cos(k * angle + p) for w, k, p in zip(weight, waves, phase, strict=True))
    for _ in range(rng.poisson(9 * max(0.0, lesion.irregularity - 0.4))):
        turn = np.angle(np.exp(1j * (angle - rng.uniform(-np.pi, np.pi))))
        margin = margin + rng.uniform(0.2, 0.55) * np.exp(-((turn / rng.uniform(0.06, 0.14)) ** 2))
    edge = radius - lesion.radius * margin
    softness = 0.006 + 0.022 * lesion.indistinctness
    return 1 / (1 + np.exp(np.clip(edge / softness, -40, 40))), edge


def _tissue(rng: np.random.Generator, depth: Floats, lateral: Floats) -> Floats:
    """Echogenicity of skin, fat, glandular tissue, retromammary fat and muscle, in dB."""
    shape = depth.shape
    skin = rng.uniform(0.025, 0.05)
    fat = rng.uniform(0.14, 0.30) + 0.045 * _wave(rng, lateral)
    gland = rng.uniform(0.66, 0.82) + 0.045 * _wave(rng, lateral)
    muscle = gland + rng.uniform(0.06, 0.12) + 0.02 * _wave(rng, lateral)
    sharp = 0.012
    echo = np.full(shape, rng.uniform(3, 7))
    fat_echo, gland_echo, muscle_echo = rng.uniform(-12, -6), rng.uniform(-2, 2), rng.uniform(-11, -5)
    for boundary, level in ((skin, fat_echo), (fat, gland_echo), (gland, fat_echo), (muscle, muscle_echo)):
        echo += (level - echo) / (1 + np.exp(-np.clip((depth - boundary) / sharp, -40, 40)))
        echo += rng.uniform(2, 6) * np.exp(-(((depth - boundary) / 0.008) ** 2))
    # Ducts and lobules lie flat; Cooper's ligaments are bright arcs: the zero lines of a slow random field.
    echo += rng.uniform(1.5, 3.5) * _texture(rng, shape, 0.02, 0.10)
    ligaments = np.exp(-((_texture(rng, shape, 0.07, 0.13) / 0.12) ** 2))
    echo += rng.uniform(3, 7) * ligaments * (depth < gland)
    fibres = _texture(rng, shape, 0.008, 0.35)
    return echo + 4 * fibres * (depth > muscle)


def _posterior(lesion: _Lesion, inside: Floats, depth: Floats) -> Floats:
    """Enhancement or shadow behind the lesion, in dB, fading with depth; thin shadows at the sides of a smooth one."""
    from scipy.ndimage import gaussian_filter1d

    pixels = depth.shape[0]
    behind = np.cumsum(inside, axis=0) / pixels * (1 - inside)
    path: Floats = gaussian_filter1d(np.clip(behind / (0.9 * lesion.radius), 0, 1), 0.012 * pixels, axis=1)
    fade = np.exp(-np.clip(depth - lesion.depth - 0.8 * lesion.radius, 0, None) / 0.45)
    strength = 9 - 24 * lesion.shadowing
    refraction = np.abs(np.gradient(path, axis=1)) * pixels * 0.02
    sides: Floats = 5 * (1 - lesion.irregularity) * np.clip(refraction, 0, 1)
    change: Floats = fade * (strength * path - sides)
    return change


def _ultrasound(rng: np.random.Generator, echo: Floats, depth: Floats) -> NDArray[np.uint8]:
    """From echogenicity in dB to the picture on the screen."""
    from scipy.ndimage import gaussian_filter, gaussian_filter1d

    shape = echo.shape
    scale = shape[0] / 128
    # What attenuation takes and the time-gain compensation, never set quite right, gives back.
    gain = rng.normal(0, 4) * (depth - 0.4) + gaussian_filter1d(rng.normal(0, 14, shape[0]), 10 * scale)[:, None]
    amplitude = 10 ** ((echo + gain) / 20)
    point = (rng.uniform(0.55, 0.95) * scale, rng.uniform(0.9, 1.8) * scale)
    # Real and imaginary parts of two looks from different angles, whose powers are averaged (spatial compounding).
    looks = [gaussian_filter(amplitude * rng.standard_normal(shape, np.float32), point, truncate=3) for _ in range(4)]
    power = np.square(looks).sum(axis=0)
    decibel = 10 * np.log10(power / power.mean() + 1e-8)
    dynamic_range = rng.uniform(42, 60)
    picture = 255 * (rng.uniform(0.50, 0.64) + decibel / dynamic_range)
    picture = gaussian_filter(picture, rng.uniform(0.4, 0.9) * scale, truncate=3)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _texture(rng: np.random.Generator, shape: tuple[int, ...], down: float, across: float) -> Floats:
    """A smooth random field with mean 0 and deviation 1; correlation lengths relative to the height."""
    from scipy.ndimage import gaussian_filter

    field: Floats = gaussian_filter(
        rng.standard_normal(shape, np.float32), (down * shape[0], across * shape[0]), truncate=2.5
    )
    field -= field.mean()
    field /= field.std() + 1e-9
    return field


def _wave(rng: np.random.Generator, lateral: Floats) -> Floats:
    """A slow wave along the lateral axis, (1, W), about -1 to 1."""
    phase = rng.uniform(0, 2 * np.pi, 3)
    line = lateral[:1]
    waves = [np.sin(2 * np.pi * k * line * rng.uniform(0.4, 0.9) + p) / k for k, p in enumerate(phase, 1)]
    total: Floats = np.sum(waves, axis=0)
    return total / 1.5
