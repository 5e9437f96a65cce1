"""The settings of the cluster that a run joins, and of what it tells about itself."""

from __future__ import annotations

from typing import Literal

from pydantic_settings import BaseSettings

from catalyst_ray.settings_fields import setting

_CLUSTER = "Cluster"


class ClusterSettings(BaseSettings):
    """Part of ``settings.Settings``."""

    ray_address: str | None = setting(
        None,
        _CLUSTER,
        "Cluster to join (auto, host:port); unset = inside a job that job's, else a local one.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting("INFO", _CLUSTER, "Least level logged.")
