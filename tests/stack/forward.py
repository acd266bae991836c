"""Both ends of a tunnel, as `ssh -L` makes one: `python forward.py LISTEN TARGET [LISTEN TARGET …]`, each host:port."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def forward(listen: str, target: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(*target.rsplit(":", 1))
        except OSError:
            writer.close()
            return
        await asyncio.gather(copy(reader, back), copy(there, writer))

    host, port = listen.rsplit(":", 1)
    server = await asyncio.start_server(serve, host, int(port))
    sys.stdout.write(f"{listen} -> {target}\n")
    sys.stdout.flush()
    await server.serve_forever()


async def main(words: list[str]) -> None:
    await asyncio.gather(*(forward(*pair) for pair in zip(words[::2], words[1::2], strict=True)))


asyncio.run(main(sys.argv[1:]))
