"""What may be awaited, or entered by `async with`, as aiomysql has it:
`await connect(…)` and `async with connect(…) as connection`."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Generator
from typing import Any, Callable, Generic, Optional, TypeVar

T = TypeVar("T")


class Opening(Generic[T]):
    """Awaited, it gives what `opening` comes to; as a context it also has that
    closed by `closing` at its end."""

    __slots__ = ("_closing", "_opened", "_opening")

    def __init__(
        self, opening: Coroutine[Any, Any, T], closing: Callable[[T], Awaitable[Any]]
    ) -> None:
        self._opening = opening
        self._closing = closing
        self._opened: Optional[T] = None

    def __await__(self) -> Generator[Any, Any, T]:
        return self._opening.__await__()

    async def __aenter__(self) -> T:
        self._opened = opened = await self._opening
        return opened

    async def __aexit__(self, *exc_info: object) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            await self._closing(opened)
