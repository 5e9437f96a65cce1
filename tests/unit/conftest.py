"""Fixtures that the unit tests share."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture
def loggers():
    """Put the loggers back as they were."""
    names = ("", "ray", "catalyst_ray", "ray._private.authentication.authentication_token_setup")
    kept = [(log, log.level, log.handlers[:], log.propagate) for log in map(logging.getLogger, names)]
    yield
    logging.captureWarnings(False)
    for log, level, handlers, propagate in kept:
        log.handlers, log.propagate = handlers, propagate
        log.setLevel(level)
