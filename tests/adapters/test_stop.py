"""The request to stop: signals, work that ends with it, what runs beside."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from catalyst_ray.cluster.stop import StopSignal

pytestmark = pytest.mark.anyio


async def test_a_signal_stops_and_the_handlers_are_taken_away() -> None:
    """A signal is a request to stop; after the block signals do what they did before."""
    usual = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    for number in (signal.SIGTERM, signal.SIGINT):
        with StopSignal() as stop:
            os.kill(os.getpid(), number)
            async with asyncio.timeout(5):
                await stop.wait()
            assert stop.is_set
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == usual


def test_a_second_signal_ends_the_process() -> None:
    """Who asks twice does not want to wait."""

    async def stubborn() -> None:
        with StopSignal() as stop:
            os.kill(os.getpid(), signal.SIGTERM)
            await stop.wait()
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(5)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(stubborn())


def test_ctrl_c_before_the_loop_is_noted_and_the_second_interrupts() -> None:
    """Ray's start is not broken by the first: the run begins, sees it, and ends."""
    stop, usual = StopSignal(), signal.getsignal(signal.SIGINT)

    async def run() -> bool:
        with stop:
            return await stop.unless_stopped(asyncio.sleep(20, result=True)) is None

    with stop.noted():
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.is_set
        assert asyncio.run(run())
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is usual


async def test_asking_twice_in_the_program_is_asking_once() -> None:
    """Only a person's second signal is impatience."""
    stop = StopSignal()
    stop.request()
    stop.request()
    assert stop.is_set


async def test_work_that_is_not_stopped_gives_its_result() -> None:
    """No task is left behind."""
    before = asyncio.all_tasks()
    assert await StopSignal().unless_stopped(asyncio.sleep(0, "done")) == "done"
    assert asyncio.all_tasks() == before


async def test_an_error_of_the_work_comes_out() -> None:
    """It is not taken for a stop."""

    async def broken() -> None:
        raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        await StopSignal().unless_stopped(broken())


@pytest.mark.parametrize("is_before", [True, False])
async def test_a_stop_ends_the_work(is_before: bool) -> None:
    """Whether it came before or during the work; the work is cancelled and cleans up before None comes."""
    stop = StopSignal()
    cleaned = False
    started = asyncio.Event()

    async def endless() -> str:
        nonlocal cleaned
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            cleaned = True
        return "done"

    before = asyncio.all_tasks()
    if is_before:
        stop.request()
    waiting = asyncio.ensure_future(stop.unless_stopped(endless()))
    if not is_before:
        await started.wait()
        stop.request()
    assert await waiting is None
    assert cleaned
    assert asyncio.all_tasks() == before


async def test_work_that_ends_within_the_grace_counts() -> None:
    """A stop lets what is nearly done end."""
    stop = StopSignal()
    stop.request()
    assert await stop.unless_stopped(asyncio.sleep(0.01, "done"), grace_s=5.0) == "done"


async def test_what_breaks_beside_breaks_the_work() -> None:
    """Its error comes out, and the work is cancelled."""
    other: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    other.set_exception(ValueError("the helper broke"))
    with pytest.raises(ValueError, match="the helper broke"):
        await StopSignal().unless_stopped(asyncio.Event().wait(), beside=(other,))
