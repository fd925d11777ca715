"""What decides on descriptors: arrays that lead somewhere."""

from __future__ import annotations

import pytest
import torch

from lince.models.descriptors.heads import CLIP, Scaling, TreesHead, decider_of


def test_trees_that_would_not_end_are_refused() -> None:
    table = {
        "roots": torch.zeros(1, dtype=torch.int32),
        "feature": torch.tensor([0, -1], dtype=torch.int32),
        "threshold": torch.zeros(2, dtype=torch.float64),
        "left": torch.tensor([0, 0], dtype=torch.int32),
        "right": torch.tensor([1, 0], dtype=torch.int32),
        "value": torch.zeros(2, 2, dtype=torch.float64),
        "base": torch.zeros(2, dtype=torch.float64),
    }
    with pytest.raises(ValueError, match="leads nowhere"):
        decider_of("forest", table, {})
    TreesHead({**table, "left": torch.tensor([1, 0], dtype=torch.int32)}, average=True).check()


def test_far_out_is_no_further_than_the_limit() -> None:
    scaling = Scaling(torch.zeros(2), torch.ones(2))
    assert scaling(torch.tensor([[1e9, -1.5]])).tolist() == [[CLIP, -1.5]]
