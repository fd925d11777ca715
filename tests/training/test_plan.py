"""What "auto" becomes for each preset and model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lince.models import entry_for
from lince.training.options import TrainOptions
from lince.training.plan import Plan, make_plan


def plan(images: int = 500, **choices: object) -> Plan:
    options = TrainOptions(**choices)  # type: ignore[arg-type]
    name = "efficientnet-lite0" if options.model == "auto" else options.model
    return make_plan(options, entry_for(name), thaw_from=4, images=images)


def test_fast_trains_a_head_on_frozen_features() -> None:
    made = plan(preset="fast")
    assert [(phase.name, phase.boundary) for phase in made.phases] == [("head", "embedding")]
    assert made.image.size == 224


def test_balanced_then_fine_tunes_from_where_the_network_says() -> None:
    made = plan()
    assert [(phase.name, phase.boundary, phase.after_gain) for phase in made.phases] == [
        ("head", "embedding", False),
        ("fine-tuning", 4, False),
        ("fine-tuning-2", 2, True),
    ]
    assert made.phases[1].learning_rate < made.phases[0].learning_rate


def test_features_are_learned_along_a_cosine_and_a_head_by_plateaus() -> None:
    head, *tuned = plan().phases
    assert (head.schedule, head.warmup, head.ema, head.label_smoothing) == ("plateau", 0, None, 0.0)
    for phase in tuned:
        assert (phase.schedule, phase.warmup, phase.ema, phase.label_smoothing) == ("cosine", 1, 0.99, 0.1)
        assert phase.patience == phase.epochs  # a cosine that is cut off has not settled
    assert tuned[1].epochs < tuned[0].epochs


def test_how_the_weights_move_can_be_chosen() -> None:
    for phase in plan(schedule="cosine", warmup=2, ema=0.9, label_smoothing=0.2).phases:
        assert (phase.schedule, phase.warmup, phase.ema, phase.label_smoothing) == ("cosine", 2, 0.9, 0.2)
    for phase in plan(schedule="plateau").phases:
        assert (phase.schedule, phase.warmup, phase.ema, phase.label_smoothing) == ("plateau", 0, None, 0.0)
    assert {phase.ema for phase in plan(ema=0).phases} == {None}
    assert {phase.label_smoothing for phase in plan(label_smoothing=0).phases} == {0.0}


def test_models_of_the_hub_are_tuned_more_gently() -> None:
    entry = entry_for("efficientnet-lite0")
    gentle = make_plan(TrainOptions(), replace(entry, tuning_rate=1e-4), thaw_from=4, images=500)
    assert gentle.phases[1].learning_rate == 1e-4 < plan().phases[1].learning_rate
    assert plan(tune_lr=0.5).phases[1].learning_rate == 0.5


def test_a_network_from_scratch_has_one_phase_on_the_images_themselves() -> None:
    for preset in ("fast", "balanced"):
        made = plan(model="small-cnn", preset=preset)
        assert [(phase.name, phase.boundary, phase.views) for phase in made.phases] == [("train", 0, 1)]
        assert (made.image.size, made.image.channels) == (64, 1)


def test_fast_from_scratch_makes_fewer_passes_and_a_large_collection_fewer_still() -> None:
    fast, slow = plan(model="small-cnn", preset="fast", images=2_000), plan(model="small-cnn", images=2_000)
    assert fast.phases[0].epochs < slow.phases[0].epochs
    assert plan(model="small-cnn", images=50_000).phases[0].epochs < slow.phases[0].epochs


def test_large_collections_get_fewer_versions_of_each_image() -> None:
    small, large, huge = plan(images=500), plan(images=5_000), plan(images=100_000)
    assert small.phases[0].views > large.phases[0].views == 1
    assert small.phases[1].views > large.phases[1].views > huge.phases[1].views == 1


def test_without_augmentation_there_is_one_version_of_each_image() -> None:
    made = plan(augment=False)
    assert made.augmentation is None
    assert {phase.views for phase in made.phases} == {1}


def test_what_the_user_chose_is_kept() -> None:
    made = plan(epochs=7, tune_epochs=3, batch_size=16, image_size=64, fit="crop", intensity="percentile", seed=9)
    assert [phase.epochs for phase in made.phases] == [7, 3, 3]
    assert made.phases[1].batch_size == 16
    assert (made.image.size, made.image.fit, made.image.intensity, made.seed) == (64, "crop", "percentile", 9)


def test_a_plan_survives_json() -> None:
    made = plan()
    assert Plan.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize("images", [0, 1, 3])
def test_tiny_collections_have_a_plan(images: int) -> None:
    assert all(phase.epochs > 0 and phase.views > 0 for phase in plan(images=images).phases)
