"""The settings of the cluster that a run joins, and of what it tells about itself."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (pydantic reads it)
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from catalyst_ray.settings_fields import cluster_address, setting

_CLUSTER, _OPERATION = "Cluster", "Operation"


class ClusterSettings(BaseSettings):
    """Part of ``settings.Settings``."""

    ray_address: str | None = setting(
        None,
        _CLUSTER,
        "Cluster to join (auto, host:port); unset = inside a job that job's, else a local one.",
    )
    allow_open_dashboard: bool = setting(
        False,
        _CLUSTER,
        "Use a cluster whose dashboard takes jobs without a token from whoever reaches it; unset = refuse it.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting("INFO", _CLUSTER, "Least level logged.")
    metrics: bool = setting(
        True, _CLUSTER, "Export metrics through Ray's agents, for Prometheus and Grafana (docs/metrics.md)."
    )

    secrets_dir: Path | None = setting(
        None,
        _OPERATION,
        "Folder of mounted secrets: a file is named like its setting and holds the value. It beats .env, the"
        " environment beats it. Unset = systemd's CREDENTIALS_DIRECTORY, if there is one.",
    )
    cycle_hang_secs: Annotated[float, Field(ge=30, le=86_400)] = setting(
        600.0,
        _OPERATION,
        "Seconds beyond SLEEP_SECONDS from one cycle's start to the next, after which the driver counts as hung and"
        " systemd's watchdog restarts it.",
    )

    @field_validator("ray_address")
    @classmethod
    def _is_cluster(cls, value: str | None) -> str | None:
        return value and cluster_address(value)
