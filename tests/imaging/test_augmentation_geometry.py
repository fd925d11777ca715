"""Effects that move pixels, against what PIL, NumPy and SciPy make of the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from lince.imaging.augmentation import AugmentationSpec, augment
from lince.imaging.augmentation.draws import Draws
from lince.imaging.augmentation.effect import Affine
from lince.imaging.augmentation.effects import (
    Elastic,
    Flip,
    Lens,
    QuarterTurns,
    Rotation,
    Shear,
    Translation,
    Zoom,
)
from lince.imaging.augmentation.geometry import Fill, move, pixel_centres, product


def noise(channels: int = 1, *, count: int = 64, size: int = 17) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randint(0, 256, (count, size, size, channels), generator=generator).to(torch.uint8)


def draws(count: int = 200, seed: int = 1, probability: float = 1.0) -> Draws:
    return Draws(seed, count, torch.device("cpu"), probability)


def blob(side: int = 65, *, x: float = 0.0, y: float = 0.0, width: float = 0.15) -> Tensor:
    """(1, 1, S, S): a soft spot at (x, y), axes from -1 to 1."""
    points = pixel_centres(side, torch.device("cpu"))
    return torch.exp(-((points[..., 0] - x) ** 2 + (points[..., 1] - y) ** 2) / (2 * width**2))[None, None]


def centre(image: Tensor) -> tuple[float, float]:
    points = pixel_centres(image.shape[-1], image.device)
    weight = image / image.sum()
    return float((weight * points[..., 0]).sum()), float((weight * points[..., 1]).sum())


@pytest.mark.parametrize(("axis", "dimension"), [("horizontal", 2), ("vertical", 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_flip_mirrors_half_of_the_images_exactly(axis: str, dimension: int, channels: int) -> None:
    pixels = noise(channels)
    changed = augment(pixels, AugmentationSpec(effects=(Flip(axis=axis),)), seed=3)  # type: ignore[arg-type]
    kept = (changed == pixels).flatten(1).all(1)
    mirrored = (changed == pixels.flip(dimension)).flatten(1).all(1)
    assert (kept ^ mirrored).all()
    assert 16 <= int(mirrored.sum()) <= 48


def test_quarter_turns_move_pixels_without_mixing_them() -> None:
    pixels = noise(3)
    changed = augment(pixels, AugmentationSpec(effects=(QuarterTurns(),)), seed=3)
    found = torch.stack([(changed == pixels.rot90(k, (1, 2))).flatten(1).all(1) for k in range(4)])
    assert (found.sum(0) == 1).all()
    assert (found.sum(1) >= 6).all()


def test_flips_and_quarter_turns_together_stay_exact() -> None:
    pixels = noise()
    effects = (Flip(axis="horizontal"), Flip(axis="vertical"), QuarterTurns())
    changed = augment(pixels, AugmentationSpec(effects=effects, fill="mirror"), seed=3)
    assert all(torch.equal(a.flatten().sort()[0], b.flatten().sort()[0]) for a, b in zip(changed, pixels, strict=True))


def test_a_rotation_turns_by_its_angle_about_the_middle() -> None:
    spot = blob(x=0.5)
    matrices = Rotation(degrees=90).matrix(draws(50))
    angles = []
    for matrix in matrices:
        x, y = centre(move(spot, matrix[None], None, "black")[0, 0])
        assert math.hypot(x, y) == pytest.approx(0.5, abs=0.01)
        angles.append(math.degrees(math.atan2(y, x)))
        # The matrix leads from new to old, so what is seen turns the other way.
        expected = -math.degrees(math.atan2(float(matrix[1, 0]), float(matrix[0, 0])))
        assert angles[-1] == pytest.approx(expected, abs=1)
    assert min(angles) < -60
    assert max(angles) > 60


@pytest.mark.parametrize("effect", [Rotation(degrees=12), Shear(degrees=12), Zoom(share=0.2), Translation(share=0.1)])
def test_matrices_stay_within_their_range_and_use_it(effect: Affine) -> None:
    matrices = effect.matrix(draws(2000))
    found = {
        "rotation": torch.atan2(matrices[:, 1, 0], matrices[:, 0, 0]).rad2deg(),
        "shear": matrices[:, 0, 1].atan().rad2deg(),
        "zoom": 1 / matrices[:, 0, 0] - 1,
        "translation": matrices[:, 0, 2] / 2,
    }[effect.kind]  # type: ignore[attr-defined]
    most = {"rotation": 12, "shear": 12, "zoom": 0.2, "translation": 0.1}[effect.kind]  # type: ignore[attr-defined]
    assert float(found.abs().max()) <= most * 1.0001
    assert float(found.min()) < -0.9 * most
    assert float(found.max()) > 0.9 * most
    assert abs(float(found.mean())) < 0.1 * most


def test_zoom_enlarges_and_keeps_proportions() -> None:
    matrices = Zoom(share=0.5).matrix(draws(30))
    assert torch.equal(matrices[:, 0, 0], matrices[:, 1, 1])
    spot = blob(width=0.15)
    for matrix in matrices:
        area = float(move(spot, matrix[None], None, "black").sum() / spot.sum())
        assert area == pytest.approx(float(matrix[0, 0]) ** -2, rel=0.02)


def test_a_translation_moves_by_whole_pixels_where_it_says_so() -> None:
    pixels = noise(size=16)[:1]
    matrix = torch.eye(3)[None].clone()
    matrix[0, 0, 2] = 2 * 3 / 16  # three of sixteen pixels
    moved = move(pixels.permute(0, 3, 1, 2).float(), matrix, None, "black")
    assert torch.allclose(moved[..., :-3], pixels.permute(0, 3, 1, 2)[..., 3:].float(), atol=1e-3)
    assert not moved[..., -3:].any()


def test_effects_are_one_product_not_many_samplings() -> None:
    """Four turns of 11 degrees in one sampling lose as much sharpness as one of 44."""
    image = noise(size=33)[:1].permute(0, 3, 1, 2).float()
    turns = Rotation(degrees=45).matrix(draws(4))
    together = product([turn[None] for turn in turns])
    assert together is not None
    angle = sum(math.atan2(float(turn[1, 0]), float(turn[0, 0])) for turn in turns)
    cosine, sine = math.cos(angle), math.sin(angle)
    single = torch.tensor([[[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]])
    assert torch.allclose(move(image, together, None, "black"), move(image, single, None, "black"), atol=0.05)
    one_by_one = image
    for turn in turns:
        one_by_one = move(one_by_one, turn[None], None, "black")
    inside = (..., slice(12, 21), slice(12, 21))
    assert one_by_one[inside].std() < 0.9 * move(image, together, None, "black")[inside].std()


def test_affine_moves_agree_with_scipy() -> None:
    from scipy.ndimage import affine_transform

    side = 32
    image = blob(side, x=0.2, y=-0.3)[0, 0] + 0.5 * blob(side, x=-0.4, y=0.3)[0, 0]
    matrix = product([Rotation(degrees=30).matrix(draws(1)), Shear(degrees=10).matrix(draws(1, 2)),
                      Zoom(share=0.3).matrix(draws(1, 3)), Translation(share=0.1).matrix(draws(1, 4))])  # fmt: skip
    assert matrix is not None
    ours = move(image[None, None], matrix, None, "black")[0, 0].numpy()
    # From (x, y) in -1..1 to (row, column) in pixels.
    to_pixels = np.array([[0, side / 2, (side - 1) / 2], [side / 2, 0, (side - 1) / 2], [0, 0, 1]])
    whole = to_pixels @ matrix[0].double().numpy() @ np.linalg.inv(to_pixels)
    theirs = affine_transform(image.double().numpy(), whole, order=1, mode="grid-constant")
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("cells", [1, 3, 5])
def test_elastic_moves_no_point_further_than_it_says_and_folds_nowhere(cells: int) -> None:
    points = pixel_centres(48, torch.device("cpu"))
    shift = Elastic(share=0.10, cells=cells).shift(points, draws(100))
    assert shift.shape == (100, 48, 48, 2)
    assert float(shift.abs().max()) <= 0.2
    assert float(shift.abs().max()) > 0.08
    looked_at = points + shift
    right = (looked_at[:, :, 1:] - looked_at[:, :, :-1])[:, :-1]
    down = (looked_at[:, 1:] - looked_at[:, :-1])[:, :, :-1]
    area = right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]
    assert float(area.min()) > 0


def test_elastic_splines_are_those_of_scipy() -> None:
    from scipy.interpolate import BSpline

    from lince.imaging.augmentation.geometry import _spline

    line, cells = pixel_centres(40, torch.device("cpu"))[0, :, 0], 4
    ours = _spline(line, cells).double().numpy()
    knots = np.arange(-3, cells + 4, dtype=float)
    theirs = BSpline.design_matrix((line.double().numpy() + 1) / 2 * cells, knots, 3).toarray()
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    np.testing.assert_allclose(ours.sum(1), 1, atol=1e-5)


def test_elastic_bends_in_another_way_each_time() -> None:
    shift = Elastic(share=0.05).shift(pixel_centres(24, torch.device("cpu")), draws(3))
    assert not torch.allclose(shift[0], shift[1], atol=0.01)
    assert float(shift[0].std()) > 0.01


def test_a_lens_keeps_the_middle_and_moves_by_the_cube_of_the_distance() -> None:
    points = pixel_centres(33, torch.device("cpu"))
    shift = Lens(strength=0.15).shift(points, draws(100))
    assert float(shift[:, 16, 16].abs().max()) < 1e-6
    far, near = shift[:, 16, 32, 0] / points[16, 32, 0] ** 3, shift[:, 16, 24, 0] / points[16, 24, 0] ** 3
    assert torch.allclose(far, near, atol=1e-4)
    assert float(far.abs().max()) <= 0.15
    assert float(far.min()) < -0.1 < 0.1 < float(far.max())


def test_shifts_are_turned_with_the_image() -> None:
    spot, quarter = blob(x=0.5), torch.tensor([[[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]])
    points = pixel_centres(65, torch.device("cpu"))
    shift = torch.full_like(points, 0.2)[None] * torch.tensor([1.0, 0.0])
    x, y = centre(move(spot, quarter, shift, "black")[0, 0])
    # New (x, y) looks at shift first, then turns: the spot at (0.5, 0) is seen from (0, -0.5), less the shift.
    assert (x, y) == (pytest.approx(-0.2, abs=0.01), pytest.approx(-0.5, abs=0.01))


@pytest.mark.parametrize(("fill", "dark"), [("black", True), ("mirror", False)])
def test_what_lies_outside_is_black_or_a_mirror(fill: Fill, dark: bool) -> None:
    white = torch.full((20, 16, 16, 1), 255, dtype=torch.uint8)
    changed = augment(white, AugmentationSpec(effects=(Translation(share=0.4),), fill=fill), seed=1)
    assert bool((changed == 0).any()) == dark
    assert (changed == 255).any()


def test_nothing_to_move_is_not_sampled() -> None:
    image = blob()
    assert move(image, product([]), None, "black") is image
