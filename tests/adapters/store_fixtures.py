"""A fresh store for each test, on SQLite and on a real PostgreSQL: a pytest plugin of the store's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalyst_ray.adapters.store import SqlStore
from tests.adapters.postgres_server import find_binaries, running_server
from tests.adapters.store_world import run_sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def postgres_binaries() -> Path:
    """Return the folder of PostgreSQL's programs, or skip."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server binaries (initdb, postgres) on this machine")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    return binaries


@pytest.fixture(scope="session")
def postgres_url(postgres_binaries: Path) -> Iterator[str]:
    """Give the URL of a server's empty database."""
    with running_server(postgres_binaries) as server:
        yield server.url


@pytest.fixture
def clean_postgres_url(postgres_url: str) -> str:
    """Give the URL of a PostgreSQL database without tables."""
    run_sql(postgres_url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    return postgres_url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    url: str = request.getfixturevalue("clean_postgres_url")
    return url


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    """Give an open, empty store."""
    with SqlStore.open(url) as store:
        yield store
