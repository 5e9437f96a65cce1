"""Joins a Ray cluster or starts a local one, and leaves it again. Places nothing on it."""

from __future__ import annotations

import logging
import os
import socket
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ray
from ray import _raylet
from ray.exceptions import AuthenticationError, RpcError
from ray.job_config import JobConfig

from catalyst_ray.cluster.doors import dashboard_doors, has_tokens, refuse_open_dashboard
from catalyst_ray.cluster.loopback import SWITCH, cluster_here, is_only_there, may_start_there, on_loopback
from catalyst_ray.core.hosts import is_host_and_port
from catalyst_ray.errors import CatalystError, ConfigError, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

RAY: Any = ray
"""Untyped in good part; what comes out of it is typed at once."""

RAYLET: Any = _raylet
"""Ray has no public way to ask a cluster once, without joining it."""

CONNECT_TIMEOUT_S = 3.0
LOCAL_ENVIRONMENT = {
    # A CPU task on a GPU node then sees no GPU: a chart must not open a context on a language model's card.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    # NVML counts cards by PCI bus; CUDA must count them alike.
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    # Ray ends idle workers after a second where there are more of them than CPUs, as beside a script's: a chart
    # after a pause then waits for a new worker and matplotlib. They end with their driver, or after a day.
    "RAY_idle_worker_killing_time_threshold_ms": "86400000",
    # Ray remembers the last 100,000 tasks, some 3 kB each, in its head process; these are hours of ours.
    "RAY_task_events_max_num_task_in_gcs": "20000",
    "RAY_USAGE_STATS_ENABLED": "0",
    # No part of a Ray that only this machine uses listens on an address that others reach: see ``loopback``.
    SWITCH: "0",
}


@dataclass(frozen=True, slots=True)
class Session:
    """A joined cluster: where it is and what it has."""

    address: str
    is_local: bool
    cpus: float
    gpus: float
    nodes: int
    dashboard_url: str | None


@contextmanager
def ray_session(
    address: str | None,
    *,
    dashboard: bool,
    fake_gpus: int | None = None,
    allow_open: bool | None = False,
    worker_logs: str | None = None,
) -> Iterator[Session]:
    """Join the cluster at ``address``, or start a local one when it is None.

    A local one listens on loopback alone. To join what another process of this machine keeps so, Ray's own commands
    need ``RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0``.

    Args:
        address: ``auto`` or ``host:port``; a submitted job gets its own cluster's from Ray.
        dashboard: Start the dashboard of a local cluster (on loopback).
        fake_gpus: GPUs that a local cluster pretends to have (demo, tests); None = count the real ones.
        allow_open: Use a cluster whose dashboard takes jobs from anybody, with a warning; None = do not look, for
            those who place nothing there.
        worker_logs: Least level of the lines of our actors and tasks, which are JSON then, with the ids of job, node,
            actor and task; None leaves them as Ray has them.

    Raises:
        TransportError: No cluster answers there now.
        ConfigError: It is no address, the cluster refuses us, or its dashboard is open to the world.
    """
    context = _join(
        address, worker_logs, dashboard=dashboard if address is None else None, fake_gpus=fake_gpus
    )
    try:
        session = _describe(context, is_local=address is None)
        if address is not None and allow_open is not None:
            refuse_open_dashboard(dashboard_doors(session.dashboard_url), allowed=allow_open)
        yield session
    finally:
        RAY.shutdown()


def _join(
    address: str | None, worker_logs: str | None, *, dashboard: bool | None, fake_gpus: int | None
) -> Any:
    if address is None:
        os.environ.update({k: v for k, v in LOCAL_ENVIRONMENT.items() if k not in os.environ})  # noqa: TID251  (Ray's own processes read these, and nothing else can hand them over)
        _check_token_file(may_be_made=True)
    else:
        _check_token_file(may_be_made=False)
        _check_answers(address)
        _check_token(address)
    stays = is_only_there(address) if address else may_start_there()
    try:
        with on_loopback(wanted=stays):
            return _init(
                _job(worker_logs),
                # None would join whatever `ray start` or RAY_ADDRESS left on this machine.
                address=address or "local",
                namespace="catalyst",
                num_gpus=fake_gpus if address is None else None,
                include_dashboard=dashboard,
            )
    except Exception as error:  # Ray raises a bare one when it does not start in time
        # What is not there now may be there later; a refusal stays one.
        refusals = (RuntimeError, ValueError, AuthenticationError)
        kind = ConfigError if isinstance(error, refusals) else TransportError
        words = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise kind(
            f"cannot join the Ray cluster at {address or 'this machine'}: {words}",
            key="RAY_ADDRESS",
            hint="check the address, that `ray status` works there, and that both sides share one auth token: a"
            " cluster with tokens needs RAY_AUTH_MODE=token here too",
        ) from error


def _init(job: JobConfig, **options: Any) -> Any:
    """Start Ray with this process's log lines as they are: Ray's own handlers would show secrets that ours mask."""
    handlers = list(logging.getLogger().handlers)
    try:
        return RAY.init(
            job_config=job,
            log_to_driver=False,
            configure_logging=False,
            logging_level=logging.ERROR,
            **options,
        )
    finally:
        logging.getLogger().handlers[:] = handlers


def _job(worker_logs: str | None) -> JobConfig:
    job = JobConfig()
    if worker_logs is not None:
        # By the job and not by `ray.init(logging_config=)`, which would log for this process too.
        config: Any = ray.LoggingConfig
        job.set_py_logging_config(
            config(encoding="JSON", log_level=worker_logs, additional_log_standard_attrs=["name"])
        )
    return job


def tell_of(session: Session) -> None:
    """Log what was joined."""
    where = "a local cluster" if session.is_local else session.address
    figures = {"where": where, "nodes": session.nodes, "cpus": session.cpus, "gpus": session.gpus}
    log.info("Ray is up", extra={**figures, "dashboard": session.dashboard_url or "off"})
    if not session.gpus:
        log.info("the cluster has no GPU: a model, if there is one, runs on CPUs or on its own server")


@contextmanager
def any_session(address: str | None, *, allow_open: bool = False) -> Iterator[Session | None]:
    """Use the Ray that this process is in, the cluster at ``address`` or on this machine, or a local one.

    Raises:
        TransportError: ``address`` is given, and no cluster answers there now.
        ConfigError: ``address`` is given and is none, or the cluster refuses us; or it is open to the world.
    """
    if RAY.is_initialized():
        yield None
        return
    with ExitStack() as stack:
        try:
            session = stack.enter_context(ray_session(address or "auto", dashboard=False, allow_open=None))
        except CatalystError:
            if address is not None:
                raise
            session = stack.enter_context(ray_session(None, dashboard=False))
        else:
            refuse_open_dashboard(dashboard_doors(session.dashboard_url), allowed=allow_open)
        yield session


def _check_answers(address: str) -> None:
    """Refuse an address that nobody listens on; Ray itself would try it for a minute."""
    if address in {"auto", "local"}:
        return
    if not is_host_and_port(address):  # from a script; the settings were checked
        raise ConfigError(
            f"{address!r} is no address of a cluster",
            key="RAY_ADDRESS",
            hint="use auto or host:6379; to run from outside the cluster use `ray job submit`",
        )
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise TransportError(
            f"nobody answers at {address}: {error.strerror or error}",
            key="RAY_ADDRESS",
            hint="start the cluster with `ray start --head`, or unset RAY_ADDRESS for a local one",
        ) from error


def _check_token_file(*, may_be_made: bool) -> None:
    """Refuse to ask with a token that is not there; for a cluster of its own Ray makes one in the usual place."""
    if not has_tokens():
        return
    loader = RAYLET.AuthenticationTokenLoader.instance()
    words = "RAY_AUTH_MODE=token, and there is no token: neither ~/.ray/auth_token nor RAY_AUTH_TOKEN_PATH"
    try:
        loader.reset_cache()  # or a file that was there before would still be
        if loader.has_token(ignore_auth_mode=True) or may_be_made:
            return
    except AuthenticationError as error:  # the file that is named is not there, or cannot be read
        words = str(error).split(". ", 1)[0].removeprefix("RAY_AUTH_TOKEN_PATH ")
    raise ConfigError(words, key="RAY_AUTH_TOKEN_PATH", hint="put a file with the cluster's token there")


def _check_token(address: str) -> None:
    """Refuse a cluster that does not take our token; Ray itself would ask again for 20 s, and say nothing of tokens."""
    at = cluster_here() if address == "auto" else address
    if not at or address == "local":
        return
    try:
        RAYLET.GcsClient(address=at)
    except AuthenticationError as error:
        raise ConfigError(
            f"the Ray cluster at {at} refuses us: no token, or another one",
            key="RAY_ADDRESS",
            hint="set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH to a file with the cluster's token",
        ) from error
    except RpcError as error:
        raise TransportError(
            f"no Ray cluster answers at {at}: {str(error)[:200]}",
            key="RAY_ADDRESS",
            hint="check the address and that `ray status` works there",
        ) from error


def _describe(context: Any, *, is_local: bool) -> Session:
    resources = RAY.cluster_resources()
    url = context.dashboard_url
    return Session(
        address=str(RAY.get_runtime_context().gcs_address),
        is_local=is_local,
        cpus=resources.get("CPU", 0.0),
        gpus=resources.get("GPU", 0.0),
        nodes=len(RAY.nodes()),
        dashboard_url=f"http://{url}" if url else None,
    )
