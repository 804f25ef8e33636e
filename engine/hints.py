"""What a service calls to tell: a hint to look now, believed only as far as that. A forged one would cost one look."""

from __future__ import annotations

import asyncio
import logging

from engine.errors import EngineError
from engine.outcome import World
from engine.providers.base import Hook, Hooked

log = logging.getLogger(__name__)

HEAR_S = 10.0
"""To verify a call; the keys of a service may have to be fetched for it."""


async def heard(world: World, provider: str, hook: Hook) -> bool:
    """Whether the call was the service's own; then its render is looked at now.

    Raises:
        StorageError: it could not be noted; the service calls again.
    """
    made = world.providers.get(provider)
    if not isinstance(made, Hooked):
        return False
    try:
        async with asyncio.timeout(HEAR_S):
            task_id = await made.heard(hook)
    except (EngineError, TimeoutError) as error:
        log.info("hook not verified provider=%s: %s", provider, error)
        return False
    except Exception:  # what comes from anywhere must not break anything here
        log.exception("hook crashed provider=%s", provider)
        return False
    if task_id is None:
        log.warning("hook refused provider=%s", provider)
        return False
    await world.store.write(lambda tx: tx.make_task_due(provider, task_id))
    return True
