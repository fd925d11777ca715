"""From bytes to arrays: decoding, the recipe that every image goes through, and the array cache."""

from __future__ import annotations

from lince.imaging.cache import ImageArray, cached_images
from lince.imaging.decoded import Decoded
from lince.imaging.load import decode, load_sample
from lince.imaging.sniff import IMAGE_SUFFIXES
from lince.imaging.spec import ImageSpec

__all__ = ["IMAGE_SUFFIXES", "Decoded", "ImageArray", "ImageSpec", "cached_images", "decode", "load_sample"]
