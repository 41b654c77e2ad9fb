"""`multi` for asyncio: independent statements on any shards, in parallel, in one call."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Optional, Union

from .. import err
from .._multi import TAKE_WHAT_CAME, Item, Outcome, checked, outcomes
from .._site import Site
from ..converters import decoders as default_decoders
from ..converters import encoders as default_encoders
from ._link import Link

if TYPE_CHECKING:
    from .connections import Connection
    from .pool import Pool


async def multi(
    items: Sequence[Item],
    timeout: Optional[float] = 2.0,
    *,
    on: Union[Connection, Pool, str],
    policy: str = TAKE_WHAT_CAME,
) -> list[Outcome]:
    """Runs independent statements in parallel, in one call to the service: see
    `forebay.multi`. `on` is a `Connection` or `Pool` of this module, or a host."""
    listed = checked(items, timeout, policy)
    if not listed:
        return []
    deadline = None if timeout is None else time.monotonic() + timeout
    if isinstance(on, str):
        link = Link(Site.of(on))
        try:
            return await _run(link, listed, deadline, policy, default_encoders, default_decoders)
        finally:
            link.close()
    if hasattr(on, "acquire"):
        async with on.acquire(timeout) as connection:
            return await _run_on(connection, listed, deadline, policy)
    return await _run_on(on, listed, deadline, policy)


async def _run_on(
    connection: Connection, items: list[Item], deadline: Optional[float], policy: str
) -> list[Outcome]:
    if not connection.open:
        raise err.InterfaceError(0, "")
    plain = connection._plain
    link = connection._link
    return await _run(link, items, deadline, policy, plain.encoders, plain.decoders)


async def _run(
    link: Link,
    items: list[Item],
    deadline: Optional[float],
    policy: str,
    encoders: Any,
    decoders: Any,
) -> list[Outcome]:
    await link.connect()
    calls = outcomes(link.site, items, deadline, policy, encoders, decoders)
    try:
        call = next(calls)
        while True:
            call = calls.send(await link.call(call))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
