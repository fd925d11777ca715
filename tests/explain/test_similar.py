"""Which known images are most like one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import StandardScaler

from lince.explain import nearest, similar


def some(count: int, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(3, 2, (count, width)).astype(np.float32)


def test_many_rows_are_compared_in_blocks() -> None:
    known = some(2 * similar._ROWS + 5, 6, 3)
    known[:, 4] = 0.1
    rows, found = nearest(known[similar._ROWS + 1], known, 3)
    assert rows[0] == similar._ROWS + 1
    varying = np.delete(known, 4, axis=1)
    scaler = StandardScaler().fit(varying)
    all_of_them = cosine_similarity(scaler.transform(varying[[rows[0]]]), scaler.transform(varying))[0]
    np.testing.assert_allclose(found, np.sort(all_of_them)[::-1][:3], atol=1e-5)


def test_as_scikit_learn_finds_them() -> None:
    known, query = some(50, 8, 0), some(1, 8, 1)[0]
    scaler = StandardScaler().fit(known)
    expected = cosine_similarity(scaler.transform(query[None]), scaler.transform(known))[0]
    rows, similarity = nearest(query, known, 5)
    assert rows.tolist() == np.argsort(-expected)[:5].tolist()
    np.testing.assert_allclose(similarity, expected[rows], atol=1e-5)


@given(st.integers(2, 40), st.integers(2, 12), st.integers(0, 1000))
def test_an_image_is_most_like_itself(count: int, width: int, seed: int) -> None:
    known = some(count, width, seed)
    rows, similarity = nearest(known[count // 2], known, count)
    assert similarity[0] == similarity.max()
    assert similarity[list(rows).index(count // 2)] > 1 - 1e-6
    assert sorted(rows) == list(range(count))
    assert (np.diff(similarity) <= 0).all()
    assert similarity.min() >= -1 - 1e-9


def test_what_all_images_have_in_common_does_not_count() -> None:
    known = some(20, 6, 2)
    query = some(1, 6, 3)[0]
    shift = np.arange(6, dtype=np.float32) * 50
    common = np.hstack([known + shift, np.full((20, 3), 1000, np.float32)])
    rows, similarity = nearest(np.append(query + shift, [7, 7, 7]).astype(np.float32), common, 20)
    expected_rows, expected = nearest(query, known, 20)
    assert rows.tolist() == expected_rows.tolist()
    np.testing.assert_allclose(similarity, expected, atol=1e-4)


def test_half_precision_and_the_average_image_are_finite() -> None:
    known = some(30, 5, 4).astype(np.float16)
    rows, similarity = nearest(known.astype(np.float64).mean(0).astype(np.float32), known, 3)
    assert len(rows) == 3
    assert np.isfinite(similarity).all()
    rows, similarity = nearest(np.ones(4, np.float32), np.ones((2, 4), np.float16), 5)
    assert rows.tolist() == [0, 1]
    assert similarity.tolist() == [0.0, 0.0]
