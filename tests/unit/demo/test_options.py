"""The demo's options: known ones are read, others are told without a dump of how it is used."""

from __future__ import annotations

import pytest

from catalyst_ray.demo.options import demo_options
from catalyst_ray.errors import ConfigError


def test_known_options_are_read():
    """Values have their types."""
    found = demo_options(["--llm-latency-s=0.8", "--items", "600", "--endless"])
    assert (found.llm_latency_s, found.items, found.endless) == (0.8, 600, True)


@pytest.mark.parametrize("option", ["bogus", "--bogus", "--llm-latency-s=soon", "--items"])
def test_what_cannot_be_meant_is_named(option, capsys):
    """Nothing is printed; the error names the option."""
    with pytest.raises(ConfigError, match=option.partition("=")[0]):
        demo_options([option])
    assert capsys.readouterr() == ("", "")
