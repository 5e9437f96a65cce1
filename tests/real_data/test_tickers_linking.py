"""The figures of linking on the labelled sets, the EDGAR pages and every other text; printed with ``-s``."""

from __future__ import annotations

import pytest

from catalyst_ray.quality.folder import DataFolder
from catalyst_ray.quality.tickers import tickers

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def figures(data_dir):
    """Return the figures by key."""
    found = {figure.key: figure for figure in tickers(DataFolder(data_dir))}
    for figure in found.values():
        print(figure.key, figure.value, figure.low, figure.high, figure.n, *figure.details, sep="\n  ")
    return found


@pytest.mark.parametrize(
    ("key", "least"),
    [("edgar_cik_rate", 600), ("tickers_tagged_f1", 30), ("tickers_named_f1", 500), ("foreign_as_us", 30)],
)
def test_the_bars_of_linking_are_met(figures, key, least):
    """Each figure reaches its aim, on enough samples to say so."""
    figure = figures[key]
    if figure.value is None:
        pytest.skip(f"no samples of {key}")
    assert figure.n >= least
    assert figure.is_met, f"{key} is {figure.value}"
