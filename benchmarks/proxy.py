"""A TCP proxy that makes the way longer, and keeps the order of what it passes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

HOST = "127.0.0.1"
CHUNK = 1 << 16


class Proxy:
    """Passes connections on.

    ``round_trip`` is what the way there and back takes, in seconds, and may be changed at
    any time.

    The kernel shakes hands with a client before the proxy hears of it. So that a
    connection costs its round trip, too, the client's first bytes are held back that long.
    """

    def __init__(self, target: int) -> None:
        self.round_trip = 0.0
        self.port = 0
        self._target = target
        self._loop: asyncio.AbstractEventLoop
        self._end: asyncio.Event

    async def run(self, listens: threading.Event) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_server(self._connected, HOST, 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            listens.set()
            await self._end.wait()
            # Not the connections' end, for which leaving the block would wait.
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            there = await asyncio.open_connection(HOST, self._target)
            with closing(there[1]):
                outward = self._pass_on(reader, there[1], before=self.round_trip)
                await asyncio.gather(outward, self._pass_on(there[0], writer))

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, before: float = 0
    ) -> None:
        """Pass one direction on: each chunk half a round trip after it came, in order."""
        clock = asyncio.get_running_loop().time
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, chunk = await queue.get()
                await asyncio.sleep(due - clock())
                writer.write(chunk)
                if not chunk:
                    return writer.close()
                await writer.drain()

        delivery = asyncio.create_task(deliver())
        # A connection that breaks ends as one that is closed.
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                queue.put_nowait((clock() + before + self.round_trip / 2, chunk))
                before = 0
        queue.put_nowait((clock() + self.round_trip / 2, b""))
        with suppress(OSError):
            await delivery


@contextmanager
def proxy_to(target: int) -> Iterator[Proxy]:
    """Run a proxy to a port of loopback, in a thread of its own."""
    proxy, listens = Proxy(target), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(proxy.run(listens)), daemon=True)
    thread.start()
    listens.wait()
    try:
        yield proxy
    finally:
        proxy.end()
        thread.join()
