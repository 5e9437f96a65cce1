"""A courier in a process of its own, to be killed at any moment: drains the outbox to Discord's double, then ends.

Usage: python delivery_driver.py WEBHOOK_URL FOLDER FACTOR
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from catalyst_ray.adapters.store import SqlStore
from tests.adapters.delivery_scene import hurried, is_open, make_courier


async def main(webhook_url: str, folder: Path, factor: float) -> None:
    """Deliver until nothing waits any more."""
    with hurried(factor), SqlStore.open(f"sqlite:///{folder / 'store.db'}") as store:
        courier, webhook = make_courier(store, webhook_url, factor=factor)
        running = asyncio.ensure_future(courier.run())
        while await asyncio.to_thread(is_open, store):
            await courier.settle(1.0)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await webhook.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])))
