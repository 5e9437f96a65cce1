"""Financings and 8-K items on texts that companies filed and published: read exactly, as often as is aimed at."""

from __future__ import annotations

import pytest

from catalyst_ray.quality.filings import filings
from catalyst_ray.quality.folder import DataFolder
from catalyst_ray.quality.offerings import offerings

pytestmark = pytest.mark.real_data


def test_kind_and_amount_of_financings_are_exact(data_dir):
    """Of the labelled headlines and prospectuses at least 95 in 100."""
    (figure,) = offerings(DataFolder(data_dir))
    assert figure.n >= 40
    assert figure.is_met, figure.value


def test_the_items_of_8ks_are_exact(data_dir):
    """Of the labelled reports at least 98 in 100 have just the items that are read."""
    (figure,) = filings(DataFolder(data_dir))
    assert figure.n > 100
    assert figure.is_met, figure.value
