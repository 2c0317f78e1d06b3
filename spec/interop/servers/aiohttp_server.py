"""aiohttp."""

import asyncio

import listening
from aiohttp import WSMsgType, web


async def echo(request):
    socket = web.WebSocketResponse(protocols=listening.PROTOCOLS, max_msg_size=listening.MAX_SIZE)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
        elif message.data == "close":
            await socket.close(code=4002, message=b"done")
        else:
            await socket.send_str(message.data)
    return socket


async def refuse(request):
    raise web.HTTPForbidden(text="not you")


async def main():
    app = web.Application()
    app.add_routes([web.get("/", echo), web.get("/refuse", refuse)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listening.say(port=runner.addresses[0][1])
    await asyncio.Future()


asyncio.run(main())
