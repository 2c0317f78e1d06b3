"""python3-autobahn, on asyncio."""

import asyncio

import autobahn
import cases
import txaio
from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateResponse, PerMessageDeflateResponseAccept


class Protocol(WebSocketClientProtocol):
    def __init__(self):
        super().__init__()
        self.opened = asyncio.get_running_loop().create_future()
        self.end = asyncio.get_running_loop().create_future()
        self.messages = asyncio.Queue()
        self.pongs = asyncio.Queue()

    def onOpen(self):
        self.opened.set_result(None)

    def onMessage(self, payload, isBinary):
        self.messages.put_nowait(payload if isBinary else payload.decode())

    def onPong(self, payload):
        self.pongs.put_nowait(payload)

    def onClose(self, wasClean, code, reason):
        if not self.opened.done():
            self.opened.set_exception(cases.Refused(403 if "403" in str(reason) else None))
        self.end.set_result((self.remoteCloseCode, self.remoteCloseReason or ""))


class Client(cases.Client):
    def __init__(self, ws):
        self.ws = ws

    @classmethod
    async def open(cls, url, compress):
        factory = WebSocketClientFactory(url)
        factory.protocol = Protocol
        if compress:
            factory.setProtocolOptions(
                perMessageCompressionOffers=[PerMessageDeflateOffer()],
                perMessageCompressionAccept=lambda response: PerMessageDeflateResponseAccept(response)
                if isinstance(response, PerMessageDeflateResponse)
                else None,
            )
        _, ws = await asyncio.get_running_loop().create_connection(factory, factory.host, factory.port)
        await ws.opened
        return cls(ws)

    async def send(self, message):
        is_binary = isinstance(message, bytes)
        self.ws.sendMessage(message if is_binary else message.encode(), is_binary)

    async def recv(self):
        return await self.ws.messages.get()

    async def fragments(self, pieces):
        self.ws.beginMessage()
        for piece in pieces:
            self.ws.sendMessageFrame(piece.encode())
        self.ws.endMessage()

    async def ping(self, data):
        self.ws.sendPing(data.encode())
        cases.check(await self.ws.pongs.get() == data.encode(), "its ping was not answered")

    async def close(self, code, reason):
        self.ws.sendClose(code, reason or None)
        return await self.closed()

    async def closed(self):
        return await self.ws.end


txaio.start_logging(level="critical")  # it tells of refusals
cases.main(Client, autobahn.__version__)
