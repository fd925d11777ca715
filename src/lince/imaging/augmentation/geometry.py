"""Effects that move pixels. All of a recipe become one grid, so that each image is sampled once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, final

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import grid_sample
from typing_extensions import override

from lince.imaging.augmentation.draws import Draws
from lince.imaging.augmentation.effect import Affine, Deformation

Fill = Literal["black", "mirror"]
_PADDING: dict[Fill, str] = {"black": "zeros", "mirror": "reflection"}


@final
class Flip(Affine):
    """Mirror, left and right or top and bottom."""

    kind: Literal["flip"] = "flip"
    axis: Literal["horizontal", "vertical"] = Field("horizontal", description="horizontal: left and right change sides")
    probability: float = Field(0.5, ge=0, le=1, description="share of the images that are mirrored")

    @override
    def matrix(self, draws: Draws) -> Tensor:
        sign = 1.0 - 2.0 * draws.touched.float().to(draws.device)
        one = torch.ones_like(sign)
        return torch.diag_embed(torch.stack([sign, one, one] if self.axis == "horizontal" else [one, sign, one], 1))

    @override
    def _range(self) -> str:
        return f"{self.axis} flip"


@final
class QuarterTurns(Affine):
    """Turn by 0, 90, 180 or 270 degrees: no value is interpolated. For tissue on a slide, which has no upside."""

    kind: Literal["quarter-turns"] = "quarter-turns"

    @override
    def matrix(self, draws: Draws) -> Tensor:
        turns = draws.turns()
        cosine, sine = (torch.tensor(row, device=draws.device)[turns] for row in ([1.0, 0, -1, 0], [0.0, 1, 0, -1]))
        return _linear(cosine, -sine, sine, cosine)

    @override
    def _range(self) -> str:
        return "quarter turns"


@final
class Rotation(Affine):
    """Turn about the middle."""

    kind: Literal["rotation"] = "rotation"
    degrees: float = Field(10.0, ge=0, le=180, description="at most, either way")

    @override
    def matrix(self, draws: Draws) -> Tensor:
        angle = draws.around_zero(math.radians(self.degrees))
        return _linear(angle.cos(), -angle.sin(), angle.sin(), angle.cos())

    @override
    def _range(self) -> str:
        return f"rotation ±{self.degrees:g}°"


@final
class Translation(Affine):
    """Move along both axes."""

    kind: Literal["translation"] = "translation"
    share: float = Field(0.05, ge=0, le=0.5, description="of the side, at most, either way")

    @override
    def matrix(self, draws: Draws) -> Tensor:
        matrix = torch.eye(3, device=draws.device).repeat(draws.count, 1, 1)
        matrix[:, :2, 2] = draws.around_zero(2 * self.share, 2)  # the side is 2 long
        return matrix

    @override
    def _range(self) -> str:
        return f"translation ±{self.share:.0%}"


@final
class Zoom(Affine):
    """Enlarge or reduce about the middle, the same along both axes."""

    kind: Literal["zoom"] = "zoom"
    share: float = Field(0.10, ge=0, le=0.5, description="at most, larger or smaller")

    @override
    def matrix(self, draws: Draws) -> Tensor:
        factor = draws.between(1 - self.share, 1 + self.share, neutral=1.0).reciprocal()
        return torch.diag_embed(torch.stack([factor, factor, torch.ones_like(factor)], 1))

    @override
    def _range(self) -> str:
        return f"zoom ±{self.share:.0%}"


@final
class Shear(Affine):
    """Slant along both axes."""

    kind: Literal["shear"] = "shear"
    degrees: float = Field(5.0, ge=0, le=30, description="at most, either way")

    @override
    def matrix(self, draws: Draws) -> Tensor:
        slant = draws.around_zero(math.radians(self.degrees), 2).tan()
        one = torch.ones_like(slant[:, 0])
        return _linear(one, slant[:, 0], slant[:, 1], one)

    @override
    def _range(self) -> str:
        return f"shear ±{self.degrees:g}°"


@final
class Elastic(Deformation):
    """Bend softly, as tissue under a probe does.

    A free-form deformation: random shifts at the knots of a coarse grid, joined by uniform cubic B-splines (Rueckert
    et al., IEEE TMI 18(8), 1999). The weights of a spline are positive and sum to one, so no point moves further than
    the knots do. Below a tenth of the side, with these knots, nothing folds over.
    """

    kind: Literal["elastic"] = "elastic"
    share: float = Field(0.03, ge=0, le=0.10, description="of the side, at most, along each axis")
    cells: int = Field(4, ge=1, le=5, description="of the coarse grid, along each axis")

    @override
    def shift(self, points: Tensor, draws: Draws) -> Tensor:
        knots = draws.around_zero(2 * self.share, self.cells + 3, self.cells + 3, 2)
        weights = _spline(points[0, :, 0], self.cells)
        return torch.einsum("yi,nijc,xj->nyxc", weights, knots, weights)

    @override
    def _range(self) -> str:
        return f"elastic ±{self.share:.0%}"


@final
class Lens(Deformation):
    """Optical distortion: barrel or pincushion, the first radial term of Brown's model (1966)."""

    kind: Literal["lens"] = "lens"
    strength: float = Field(0.05, ge=0, le=0.15, description="shift at the middle of an edge, in half sides, at most")

    @override
    def shift(self, points: Tensor, draws: Draws) -> Tensor:
        bend = draws.around_zero(self.strength).view(-1, 1, 1, 1)
        return bend * (points * points.square().sum(-1, keepdim=True))

    @override
    def _range(self) -> str:
        return f"lens ±{self.strength:.0%}"


def move(images: Tensor, affine: Tensor | None, shift: Tensor | None, fill: Fill) -> Tensor:
    """Sample images once, bilinearly, where a matrix and shifts lead.

    Parameters
    ----------
    images
        (N, C, S, S) float32.
    affine
        (N, 3, 3): the product of the matrices of `Affine` effects.
    shift
        (N, S, S, 2): the sum of the shifts of `Deformation` effects; the matrix is applied after them.
    fill
        What lies outside: black, or the image mirrored at its edge.
    """
    if affine is None and shift is None:
        return images
    points = pixel_centres(images.shape[-1], images.device)
    grid = points.expand(len(images), -1, -1, -1) if shift is None else points + shift
    if affine is not None:
        flat = torch.baddbmm(affine[:, None, :2, 2], grid.flatten(1, 2), affine[:, :2, :2].transpose(1, 2))
        grid = flat.view(len(images), *grid.shape[1:])
    return grid_sample(images, grid, mode="bilinear", padding_mode=_PADDING[fill], align_corners=False)


def pixel_centres(side: int, device: torch.device) -> Tensor:
    """(S, S, 2) float32: x and y of each pixel, from -1 to 1 between the outer edges."""
    line = (torch.arange(side, device=device, dtype=torch.float32) * 2 + 1) / side - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y], dim=-1)


def product(matrices: Sequence[Tensor]) -> Tensor | None:
    """The matrices (N, 3, 3) one after the other; None where there are none."""
    if not matrices:
        return None
    total = matrices[0]
    for matrix in matrices[1:]:
        total = total @ matrix
    return total


def _linear(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    """(N, 3, 3) from the rows (a b) and (c d) of the linear part."""
    zero, one = torch.zeros_like(a), torch.ones_like(a)
    return torch.stack([a, b, zero, c, d, zero, zero, zero, one], dim=1).view(-1, 3, 3)


def _spline(line: Tensor, cells: int) -> Tensor:
    """(S, cells + 3): weights of the knots of a uniform cubic B-spline at positions (S,) from -1 to 1."""
    position = (line + 1) / 2 * cells
    knots = torch.arange(-1, cells + 2, device=line.device, dtype=line.dtype)
    away = (position[:, None] - knots).abs()
    near = 2 / 3 - away.square() + away.pow(3) / 2
    far = (2 - away).clamp_min(0).pow(3) / 6
    return torch.where(away < 1, near, far)
