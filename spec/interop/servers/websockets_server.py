"""websockets: an echo, /refuse, and the same with the windows that it asks for by itself."""

import asyncio
import http

import listening
import websockets
from websockets.extensions import permessage_deflate


async def echo(socket):
    async for message in socket:
        if message == "close":
            await socket.close(4002, "done")
        elif message == "terms":
            await socket.send(socket.request_headers.get("Sec-WebSocket-Extensions", ""))
        else:
            await socket.send(message)


async def refuse(path, headers):
    if path == "/refuse":
        return http.HTTPStatus.FORBIDDEN, [], b"not you"


async def serve(**options):
    server = await websockets.serve(
        echo,
        "127.0.0.1",
        0,
        max_size=listening.MAX_SIZE,
        subprotocols=listening.PROTOCOLS,
        process_request=refuse,
        close_timeout=listening.PATIENCE,
        ping_timeout=listening.PATIENCE,
        **options,
    )
    return server.sockets[0].getsockname()[1]


async def main():
    # Its own default asks for windows of 2^12; here what the client offers decides.
    factory = permessage_deflate.ServerPerMessageDeflateFactory()
    port = await serve(compression=None, extensions=[factory])
    listening.say(port=port, default=await serve())
    await asyncio.Future()


asyncio.run(main())
