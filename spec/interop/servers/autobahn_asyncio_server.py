"""Autobahn on asyncio."""

import asyncio

import autobahn_echo
import listening
from autobahn.asyncio.websocket import WampWebSocketServerFactory, WebSocketServerFactory, WebSocketServerProtocol


class Echo(autobahn_echo.Echo, WebSocketServerProtocol):
    pass


async def listen(factory):
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    return server.sockets[0].getsockname()[1]


async def main():
    factory = WebSocketServerFactory()
    factory.protocol = Echo
    factory.setProtocolOptions(**autobahn_echo.OPTIONS)
    wamp = WampWebSocketServerFactory(autobahn_echo.Router)
    wamp.setProtocolOptions(openHandshakeTimeout=listening.PATIENCE)
    listening.say(port=await listen(factory), wamp=await listen(wamp))
    await asyncio.Future()


asyncio.run(main())
