"""Echo servers of websockets, Autobahn and Tornado, all with compression, on free ports of 127.0.0.1.

Prints {"websockets": PORT, ...} once they listen; each message comes back as it was, and the text "terms" is answered with the
Sec-WebSocket-Extensions of the request. They end with their standard input.
"""

import asyncio
import json
import sys

import tornado.httpserver
import tornado.netutil
import tornado.web
import tornado.websocket
import websockets
from autobahn.asyncio.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept
from websockets.extensions import permessage_deflate

MAX_SIZE = 64 * 1024 * 1024


async def echo(socket):
    async for message in socket:
        if message == "terms":
            message = socket.request_headers.get("Sec-WebSocket-Extensions", "")
        await socket.send(message)


async def serve_websockets():
    # Its own default asks for windows of 2^12; here what the client offers decides.
    factory = permessage_deflate.ServerPerMessageDeflateFactory()
    server = await websockets.serve(
        echo, "127.0.0.1", 0, compression=None, extensions=[factory], max_size=MAX_SIZE
    )
    return server.sockets[0].getsockname()[1]


async def serve_websockets_default():
    server = await websockets.serve(echo, "127.0.0.1", 0, max_size=MAX_SIZE)
    return server.sockets[0].getsockname()[1]


class AutobahnEcho(WebSocketServerProtocol):
    def onMessage(self, payload, isBinary):
        if payload == b"terms":
            payload = self.http_headers.get("sec-websocket-extensions", "").encode()
        self.sendMessage(payload, isBinary)


def accept(offers):
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            return PerMessageDeflateOfferAccept(offer)


async def serve_autobahn():
    factory = WebSocketServerFactory()
    factory.protocol = AutobahnEcho
    factory.setProtocolOptions(perMessageCompressionAccept=accept, maxMessagePayloadSize=MAX_SIZE)
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    return server.sockets[0].getsockname()[1]


class TornadoEcho(tornado.websocket.WebSocketHandler):
    def get_compression_options(self):
        return {}

    async def on_message(self, message):
        if message == "terms":
            message = self.request.headers.get("Sec-WebSocket-Extensions", "")
        await self.write_message(message, binary=isinstance(message, bytes))


async def serve_tornado():
    app = tornado.web.Application([("/", TornadoEcho)], websocket_max_message_size=MAX_SIZE)
    sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
    tornado.httpserver.HTTPServer(app).add_sockets(sockets)
    return sockets[0].getsockname()[1]


async def main():
    ports = {
        "websockets": await serve_websockets(),
        "websockets, as it comes": await serve_websockets_default(),
        "Autobahn": await serve_autobahn(),
        "Tornado": await serve_tornado(),
    }
    print(json.dumps(ports), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
