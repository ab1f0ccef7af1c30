import numpy as np
import pytest

from mnist_core.principal import principal_components


@pytest.mark.parametrize("shape", [(400, 30), (40, 300)])
def test_components_are_those_of_the_singular_value_decomposition(shape):
    rows = np.random.default_rng(1).normal(size=shape) * np.geomspace(10, 0.1, shape[1])
    rows = rows.astype(np.float32)
    found = principal_components(rows, 6)
    centred = rows - rows.mean(axis=0)
    _, strengths, axes = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(found.axes.T @ axes[:6].T), np.eye(6), atol=2e-3)
    np.testing.assert_allclose(found.share, (strengths**2 / (strengths**2).sum())[:6], rtol=1e-3)
    strongest = np.abs(found.axes).argmax(axis=0)
    assert (found.axes[strongest, np.arange(6)] > 0).all()
    np.testing.assert_allclose(found.places(rows), centred @ found.axes, atol=1e-3)


def test_axes_are_orthonormal_also_where_the_rows_differ_in_one_direction_alone():
    rows = np.zeros((6, 784), np.float32)
    rows[3:] = 9
    found = principal_components(rows, 4)
    np.testing.assert_allclose(found.axes.T @ found.axes, np.eye(4), atol=1e-5)
    assert found.share[0] == pytest.approx(1)
