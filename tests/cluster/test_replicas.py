"""Replicas as Ray actors on pretended GPUs: what they see, what survives their death, what is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest
from ray import cloudpickle  # noqa: TID253  (these tests are about Ray)

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.cluster.llm_replica import LlmReplica
from catalyst_ray.cluster.placement import ReplicaWish
from catalyst_ray.cluster.service import LlmLimits, Opening, Service, join_service, open_service
from catalyst_ray.errors import TransportError
from catalyst_ray.models import EngineInfo, LlmAnswer, LlmRequest

pytestmark = pytest.mark.anyio
# Ray's workers cannot import a test file: what it defines travels by value.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def request(key, *, timeout_s=20.0, priority=5):
    """Return a request whose prompt is its key."""
    return LlmRequest(key=key, system="s", prompt=key, schema="{}", timeout_s=timeout_s, priority=priority)


class Engine:
    """Takes a fixed time for each answer; certain prompts make it misbehave."""

    def __init__(self, name, seconds, *, start_s=0.0, missing=False):
        self.name = name
        self.seconds = seconds
        self.start_s = start_s
        self.missing = missing
        self.started = 0
        self.cancelled = 0
        self.child = None
        self.hung = False

    async def start(self):
        await asyncio.sleep(self.start_s)
        if self.missing:
            raise TransportError("model missing", hint="ollama pull zeta")
        self.started += 1
        self.child = subprocess.Popen(["sleep", "300"])  # noqa: ASYNC220  (a model server's stand-in)
        return self.info()

    async def ready(self):
        return self.child is not None and self.child.poll() is None

    def info(self):
        return EngineInfo(engine="fixed", model="echo", state="ready")

    async def generate(self, asked):
        if asked.prompt == "hang":
            self.hung = True
        try:
            await asyncio.sleep(3600 if self.hung else self.seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if asked.prompt == "fail":
            raise TransportError("refused", status=503)
        if self.child.poll() is not None:
            raise TransportError("the server has ended")
        return LlmAnswer(text=f"{asked.prompt} {os.getpid()} {self.child.pid}", model="echo", engine="fixed")

    async def stop(self):
        if self.child is not None:
            self.child.kill()
            self.child.wait()
            self.child = None


@dataclass(frozen=True)
class Recipe:
    """Makes the engine in a replica."""

    seconds: float = 0.0
    start_s: float = 0.0
    missing: bool = False
    shares_server: bool = False

    def make(self, *, name, workers, gpus):
        return Engine(name, self.seconds, start_s=self.start_s, missing=self.missing)


def opening(label, *, least=1, most=None, workers=3, silence_s=20.0, **changes):
    """Return how to open a service with these replicas."""
    limits = LlmLimits(
        wish=ReplicaWish(least=least, most=most or least, gpus_each=changes.pop("gpus_each", 1.0)),
        workers=workers,
        queue_size=100,
        cache_ttl_s=0.0,
        timeout_s=silence_s,
        **changes,
    )
    return Opening(clock=SystemClock(), limits=limits, label=label)


@pytest.fixture
async def opened(ray_session):
    """Return a maker of services on the session's Ray; all are closed afterwards."""
    services = []

    async def make(recipe, label, **changes):
        service = await open_service(recipe, opening(label, **changes))
        assert isinstance(service, Service)
        services.append(service)
        while service.fleet.serving < service.plan.start:  # noqa: ASYNC110  (no event tells of it)
            await asyncio.sleep(0.02)
        return service

    yield make
    for service in services:
        await service.close()


async def ask(service, *requests):
    """Ask for all at once; answers in the order of the requests."""
    async with asyncio.timeout(90):
        return await asyncio.gather(*(service.pool.ask(asked) for asked in requests))


async def infos(service):
    """Return where each replica runs."""
    return [await seat.replica.start(30) for seat in service.pool.seats]


async def has_ended(pid):
    """Wait until a process is gone."""
    async with asyncio.timeout(20):
        while os.path.exists(f"/proc/{pid}") and not is_zombie(pid):  # noqa: ASYNC110, ASYNC240, PTH110  (no event tells of it)
            await asyncio.sleep(0.05)
    return True


def is_zombie(pid):
    """Return whether a process ended and only its parent has not noticed."""
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            return stat.read().rsplit(") ", 1)[1].startswith("Z")
    except FileNotFoundError:
        return True


async def is_free(gpus):
    """Wait until the cluster's GPUs are all free again."""
    import ray

    async with asyncio.timeout(30):
        while ray.available_resources().get("GPU", 0) < gpus:  # noqa: ASYNC110  (no event tells of it)
            await asyncio.sleep(0.05)
    return True


async def test_a_replica_gives_errors_as_values_with_their_place():
    """A failed request costs its batch nothing, and the engine starts once, when first needed."""
    replica = LlmReplica(Recipe(), name="r", workers=2)
    outcomes = {
        index: got async for index, got in replica.generate([request("a"), request("fail"), request("b")])
    }
    assert (outcomes[0].text.split()[0], outcomes[2].text.split()[0]) == ("a", "b")
    assert outcomes[0].replica == "r"
    assert outcomes[1].status == 503
    again = [got async for _, got in replica.generate([request("c")])]
    assert again[0].text.startswith("c ")
    assert replica._model.started == 1
    await replica.stop()


async def test_a_replica_drops_what_its_caller_gave_up():
    """The engine does not go on generating for nobody."""
    replica = LlmReplica(Recipe(30.0), name="r", workers=2)
    stream = replica.generate([request("a"), request("b"), request("c")])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(stream), 0.2)
    await stream.aclose()
    assert replica._model.cancelled == 2
    await replica.stop()


async def test_a_dropped_request_frees_its_slot(opened):
    """Whoever gives up costs no more of the engine: the next request has the slot at once."""
    service = await opened(Recipe(0.05), "drop", workers=1, silence_s=60.0)
    given_up = asyncio.create_task(service.pool.ask(request("hang", timeout_s=50.0)))
    async with asyncio.timeout(30):
        while not service.pool.stats().busy:  # noqa: ASYNC110  (no event tells of it)
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        given_up.cancel()
        while service.pool.stats().busy:  # noqa: ASYNC110  (as above)
            await asyncio.sleep(0.02)
    assert service.pool.stats().cancelled == 1
    assert service.pool.seats[0].load == 0


async def test_two_replicas_see_one_gpu_each_and_leave_nothing_behind(opened):
    """Ray gives device 0 to one and 1 to the other and nothing else; closing ends both and their servers."""
    service = await opened(Recipe(0.05), "gpus", least=2)
    found = await infos(service)
    assert sorted(info.gpu_ids for info in found) == [("0",), ("1",)]
    assert sorted(info.visible_devices for info in found) == ["0", "1"]
    answers = await ask(service, *(request(f"g{i}") for i in range(9)))
    assert [got.text.split()[0] for got in answers] == [f"g{i}" for i in range(9)]
    assert {got.replica for got in answers} == {"gpus-0", "gpus-1"}
    servers = {int(got.text.split()[2]) for got in answers}
    await service.close()
    assert all([await has_ended(pid) for pid in {*servers, *(info.pid for info in found)}])
    assert await is_free(2)


async def test_a_fraction_packs_replicas_on_a_card(opened):
    """Four halves fill two cards, two on each."""
    service = await opened(Recipe(0.02), "half", least=4, gpus_each=0.5)
    found = await infos(service)
    assert sorted(info.gpu_ids for info in found) == [("0",), ("0",), ("1",), ("1",)]


async def test_a_killed_actors_requests_are_answered_by_the_other(opened):
    """SIGKILL in mid-request loses nothing, and the actor comes back by itself."""
    service = await opened(Recipe(0.4), "kill", least=2)
    before = (await infos(service))[0]
    asked = asyncio.create_task(ask(service, *(request(f"k{i}") for i in range(6))))
    await asyncio.sleep(0.2)
    os.kill(before.pid, signal.SIGKILL)
    begun_s = time.monotonic()
    assert [got.text.split()[0] for got in await asked] == [f"k{i}" for i in range(6)]
    while service.fleet.serving < 2:  # noqa: ASYNC110  (no event tells of it)
        await asyncio.sleep(0.02)
    print(f"actor killed: back after {time.monotonic() - begun_s:.2f} s")
    assert before.pid not in {info.pid for info in await infos(service)}


async def test_a_lone_killed_actor_answers_after_its_restart_or_the_deadline_does(opened):
    """With time enough the request waits for the restarted actor; without, the caller is told in time."""
    service = await opened(Recipe(0.5), "lone")
    for timeout_s, outcome in ((30.0, "answered"), (0.9, "llm_deadline")):
        (info,) = await infos(service)
        asked = asyncio.create_task(
            ask(service, *(request(f"{timeout_s}-{i}", timeout_s=timeout_s) for i in range(3)))
        )
        await asyncio.sleep(0.2)
        os.kill(info.pid, signal.SIGKILL)
        got = await asked
        assert {getattr(one, "code", "answered") for one in got} == {outcome}
        while not service.fleet.serving:  # noqa: ASYNC110  (no event tells of it)
            await asyncio.sleep(0.02)


async def test_a_killed_server_process_is_started_again(opened):
    """The engine's process dies, not the actor: the request in hand is answered by the new one."""
    service = await opened(Recipe(0.1), "server")
    (first,) = await ask(service, request("a"))
    os.kill(int(first.text.split()[2]), signal.SIGKILL)
    begun_s = time.monotonic()
    later = []
    async with asyncio.timeout(30):
        while not later or hasattr(later[-1], "code"):
            later += await ask(service, request(f"b{len(later)}", timeout_s=3.0))
    print(f"engine killed: back after {time.monotonic() - begun_s:.2f} s")
    assert later[-1].text.split()[1] == first.text.split()[1]
    assert later[-1].text.split()[2] != first.text.split()[2]
    assert service.fleet.restarts == 1


async def test_an_engine_that_hangs_under_green_health_is_restarted(opened):
    """The watchdog ends it: after the silence the process is a new one, and later requests are answered."""
    service = await opened(Recipe(0.05), "hang", silence_s=1.5)
    (info,) = await infos(service)
    (hung,) = await ask(service, request("hang", timeout_s=1.0))
    assert hung.code == "llm_deadline"
    async with asyncio.timeout(60):
        while not service.fleet.restarts:
            await ask(service, request(f"b{time.monotonic()}", timeout_s=0.5))  # each adds to the silence
    (good,) = await ask(service, request("c"))
    assert int(good.text.split()[1]) != info.pid


async def test_load_brings_a_second_replica_and_quiet_ends_it(opened):
    """The queue grows, a replica is added in the running cluster, works, and goes when it is not needed."""
    service = await opened(Recipe(0.3), "scale", most=2, workers=1, target_s=0.5, idle_s=1.0)
    answers = await ask(service, *(request(f"s{i}", timeout_s=60.0) for i in range(20)))
    assert {got.replica for got in answers} == {"scale-0", "scale-1"}
    async with asyncio.timeout(30):
        while service.fleet.size > 1:  # noqa: ASYNC110  (no event tells of it)
            await asyncio.sleep(0.05)
    assert await is_free(1)
    (last,) = await ask(service, request("last"))
    assert last.replica == "scale-0"


async def test_an_engine_that_does_not_start_is_an_error_with_its_hint(opened):
    """The error crosses Ray as itself, and no actor is left."""
    with pytest.raises(TransportError, match="ollama pull zeta"):
        await opened(Recipe(missing=True), "none", least=2)
    assert await is_free(2)


async def test_a_start_given_up_leaves_no_actor_behind(opened):
    """Who ends while models load gets the GPUs back at once."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await opened(Recipe(start_s=3600.0), "given-up", least=2)
    assert await is_free(2)


async def test_a_replica_waits_for_a_gpu_that_another_holds(opened, caplog):
    """No GPU is free: the second service waits, says so, and starts when the first is gone."""
    caplog.set_level("INFO")
    first = await opened(Recipe(0.05), "holder", least=2)
    second = asyncio.create_task(opened(Recipe(0.05), "waiter"))
    words = "waiter-0 waits for 1 GPU that is free, or for its process there (see `ray status`)"
    async with asyncio.timeout(60):
        while words not in [record.__dict__.get("what") for record in caplog.records]:  # noqa: ASYNC110  (as above)
            await asyncio.sleep(0.1)
    assert not second.done()
    await first.close()
    service = await second
    (answer,) = await ask(service, request("a"))
    assert answer.replica == "waiter-0"


async def test_a_script_shares_the_replicas_of_a_running_driver(opened):
    """It finds them, is answered by them, restarts and ends none of them, and is told when they are gone."""
    owner = await opened(Recipe(0.05), "shared", least=2)
    guest = await join_service(opening("shared", idle_s=0.3))
    assert guest is not None
    await asyncio.sleep(1.0)  # longer than replicas of one's own may idle
    assert {seat.replica.name.rsplit("/")[-1] for seat in guest.pool.seats} == {"shared-0", "shared-1"}
    answers = await ask(guest, *(request(f"q{i}") for i in range(8)))
    assert {got.replica for got in answers} == {"shared-0", "shared-1"}
    pids = {info.pid for info in await infos(owner)}
    guest.pool.seats[0].replica.restart()
    await guest.close()
    assert {info.pid for info in await infos(owner)} == pids
    (mine,) = await ask(owner, request("mine"))
    assert mine.text.startswith("mine ")
    late = await join_service(opening("shared"))
    await owner.close()
    (told,) = await ask(late, request("nobody there", timeout_s=2.0))
    assert told.code in {"llm_deadline", "llm_failed"}
    await late.close()
    assert await join_service(opening("shared")) is None
