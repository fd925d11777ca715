"""Defects planted in a copy of a clean collection, so that what an audit finds can be counted.

Each planter changes files below a folder of class folders and returns what it planted, by file name.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]


def read(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))


def write(path: Path, pixels: Pixels, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, **options)
    return path


def as_jpeg(pixels: Pixels, quality: int) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def resized(pixels: Pixels, factor: float) -> Pixels:
    size = (round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def cropped(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """A part of this share of each side, enlarged to the size of the whole."""
    height, width = pixels.shape
    tall, wide = share * height, share * width
    top, left = rng.uniform(0, height - tall), rng.uniform(0, width - wide)
    box = (left, top, left + wide, top + tall)
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC, box=box))


def noisy(pixels: Pixels, deviation: float, rng: np.random.Generator) -> Pixels:
    return np.clip(pixels + rng.normal(0, deviation, pixels.shape), 0, 255).astype(np.uint8)


# How a copy is changed, and the relation that the audit should tell (or a closer one).
CHANGES: Mapping[str, Callable[[Pixels, np.random.Generator], Pixels]] = {
    "saved again": lambda p, _: p,
    "JPEG of quality 75": lambda p, _: as_jpeg(p, 75),
    "JPEG of quality 30": lambda p, _: as_jpeg(p, 30),
    "brighter": lambda p, _: np.clip(p * 1.2 + 15, 0, 255).astype(np.uint8),
    "gamma": lambda p, _: (255 * (p / 255) ** 0.7).astype(np.uint8),
    "noise": lambda p, rng: noisy(p, 6, rng),
    "three quarters of the size": lambda p, _: resized(p, 0.75),
    "twice the size": lambda p, _: resized(p, 2),
    "cropped by 2 %": lambda p, rng: cropped(p, 0.98, rng),
    "cropped by 15 %": lambda p, rng: cropped(p, 0.85, rng),
    "cropped by 25 %": lambda p, rng: cropped(p, 0.75, rng),
    "mirrored": lambda p, _: p[:, ::-1],
    "upside down": lambda p, _: p[::-1],
    "half a turn": lambda p, _: p[::-1, ::-1],
    "a quarter turn": lambda p, _: np.rot90(p),
    "three quarters of a turn": lambda p, _: np.rot90(p, 3),
    "mirrored JPEG": lambda p, _: as_jpeg(p[:, ::-1], 75),
}


def plant_copies(
    folder: Path, changes: Sequence[str], each: int, rng: np.random.Generator, *, label: str | None = None
) -> dict[str, list[tuple[str, str]]]:
    """By change, pairs of names: an image and its changed copy, put beside it or under ``label``."""
    images = sorted(folder.glob("*/*.png"))
    chosen = rng.permutation(len(images))[: each * len(changes)].reshape(len(changes), each)
    planted: dict[str, list[tuple[str, str]]] = {}
    for change, rows in zip(changes, chosen, strict=True):
        for row in rows:
            source = images[row]
            place = folder / (label or source.parent.name) / f"copy_{row:05d}.png"
            write(place, CHANGES[change](read(source), rng))
            planted.setdefault(change, []).append((source.name, place.name))
    return planted


def pick(folder: Path, count: int, rng: np.random.Generator, label: str = "*") -> list[Path]:
    images = sorted(folder.glob(f"{label}/*.png"))
    return [images[row] for row in np.sort(rng.permutation(len(images))[:count])]


def corrupt(path: Path, rng: np.random.Generator) -> None:
    data = path.read_bytes()
    cut = int(len(data) * rng.uniform(0.1, 0.7))
    kind = int(rng.integers(4))
    path.write_bytes((data[:cut], b"", data[:16] + bytes(len(data) - 16), b"<html>not found</html>")[kind])


def blank(path: Path, rng: np.random.Generator) -> None:
    level = int(rng.choice([0, 0, 128, 255]))
    write(path, np.clip(rng.normal(level, 0.6, read(path).shape), 0, 255).astype(np.uint8))


def saturate(path: Path, rng: np.random.Generator) -> None:
    pixels = read(path).astype(float)
    write(path, np.clip(pixels * 255 / np.percentile(pixels, rng.uniform(45, 65)), 0, 255).astype(np.uint8))


WORDS = ("GE HEALTHCARE", "LEFT BREAST", "12.03.1998", "R CC 24mm", "SILVA, ANA", "DIST 1.8 cm", "ID 00412")


def letter(path: Path, rng: np.random.Generator) -> None:
    """Burn a line of text into a corner, white on a black band or straight on the picture."""
    image = Image.fromarray(read(path))
    draw = ImageDraw.Draw(image)
    height = max(12, round(image.height * rng.uniform(0.09, 0.12)))
    font = ImageFont.load_default(height)
    text = str(rng.choice(WORDS))
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    while right - left > image.width - 4:
        text = text[:-1]
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    x = int(rng.choice([2, image.width - (right - left) - 2]))
    y = int(rng.choice([2, image.height - (bottom - top) - 4]))
    if rng.uniform() < 0.5:
        draw.rectangle((x - 2, y - 2, x + right - left + 2, y + bottom - top + 3), fill=0)
    draw.text((x - left, y - top), text, fill=255, font=font)
    image.save(path)


def frame(path: Path, rng: np.random.Generator) -> None:
    pixels = read(path).copy()
    wide = int(rng.integers(3, 7))
    pixels[:wide], pixels[-wide:], pixels[:, :wide], pixels[:, -wide:] = 255, 255, 255, 255
    write(path, pixels)


# What is done to every image of a class gives the class away: what it is, and the facts of which one must be told.
GIVEAWAYS: Mapping[str, tuple[Callable[[Path, np.random.Generator], None], tuple[str, ...]]] = {
    "a size": (lambda path, _: _resave(path, size=(100, 100)), ("width", "height", "aspect", "area")),
    "a format": (lambda path, _: _resave(path, suffix=".jpg", quality=90), ("format", "jpeg-quantisation")),
    "Exif notes": (lambda path, _: _resave(path, exif=True), ("exif",)),
    "colour": (lambda path, _: _resave(path, mode="RGB"), ("mode",)),
    "a bright border": (frame, ("border", "border-level")),
    "letters": (letter, ("lettering",)),
}


def _resave(
    path: Path,
    *,
    size: tuple[int, int] | None = None,
    suffix: str = ".png",
    mode: str = "L",
    exif: bool = False,
    **options: object,
) -> None:
    with Image.open(path) as opened:
        image = opened.convert(mode)
    if size:
        image = image.resize(size)
    if exif:
        notes = Image.Exif()
        notes[0x010F] = "Some maker"
        options["exif"] = notes
    path.unlink()
    image.save(path.with_suffix(suffix), **options)
