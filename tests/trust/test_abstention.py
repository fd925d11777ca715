"""Which decisions a person should make."""

from __future__ import annotations

import numpy as np
import pytest

from lince.core.errors import ConfigError
from lince.trust import Referral


def test_the_curve_falls_where_errors_are_uncertain() -> None:
    sure = np.arange(1000.0)
    wrong = np.arange(1000) < 100
    curve = Referral.fit(sure, wrong)
    assert curve.error[0] == pytest.approx(0.1)
    assert curve.error[5] == pytest.approx(50 / 950)
    assert curve.error[10] == 0.0
    assert (sure < curve.limit(0.1)).sum() == 100
    assert (sure < curve.limit(0.055)).sum() == pytest.approx(55, abs=1)
    assert (sure < curve.limit(0.0)).sum() == 0


def test_one_image_and_equal_ones() -> None:
    assert Referral.fit([2.0], [True]).error[-1] == 1.0
    assert not (np.full(9, 3.0) < Referral.fit(np.full(9, 3.0), np.zeros(9, bool)).limit(0.5)).any()


@pytest.mark.parametrize("share", [-0.1, 0.51, float("nan")])
def test_a_share_that_is_none(share: float) -> None:
    with pytest.raises(ConfigError, match="between 0 and 50 %"):
        Referral.fit([1.0, 2.0], [False, True]).limit(share)
