"""Owns finding and reading the labelled files of a data folder, whatever it holds of them.

The layout is that of the project's shared data: ``03_sentiment/``, ``04_events/``, ``05_tickers/``,
``07_filings/``, ``01_feeds_finance/``. A missing file is an empty answer; a broken one is an error that names it.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.directory import TickerDirectory
from catalyst_ray.errors import ConfigError, ParseError

if TYPE_CHECKING:
    from pathlib import Path

csv.field_size_limit(10_000_000)


@dataclass(frozen=True)
class DataFolder:
    """A folder of labelled data."""

    root: Path

    def paths(self, pattern: str) -> list[Path]:
        """Return the files that a glob pattern finds below the folder, in order."""
        return sorted(path for path in self.root.glob(pattern) if path.is_file())

    def table(self, pattern: str, *, delimiter: str = ",") -> list[dict[str, str]]:
        """Return the rows of all tables that a pattern finds.

        Raises:
            ConfigError: A file is no such table.
        """
        rows: list[dict[str, str]] = []
        for path in self.paths(pattern):
            try:
                with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                    if delimiter == "\t":  # such files write quotes as they are
                        rows += csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
                    else:
                        rows += csv.DictReader(file, delimiter=delimiter)
            except csv.Error as error:
                raise ConfigError(f"{path} is no table: {error}", key="--data") from error
        return rows

    def documents(self, pattern: str) -> list[Any]:
        """Return the parsed JSON of each file that a pattern finds.

        Raises:
            ConfigError: A file is no JSON.
        """
        found = []
        for path in self.paths(pattern):
            try:
                found.append(json.loads(path.read_bytes()))
            except ValueError as error:
                raise ConfigError(f"{path} is no JSON: {error}", key="--data") from error
        return found

    @cached_property
    def directory(self) -> TickerDirectory:
        """Return the SEC's ticker map that lies in the folder; an empty one where it has none."""
        for path in self.paths("05_tickers/*company_tickers*.json"):
            try:
                return TickerDirectory.from_json(path.read_bytes())
            except ParseError as error:
                raise ConfigError(f"{path}: {error}", key="--data") from error
        return TickerDirectory()
