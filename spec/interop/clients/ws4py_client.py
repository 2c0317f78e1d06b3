"""python3-ws4py: its client in a thread."""

import asyncio

import cases
import ws4py
from ws4py.client.threadedclient import WebSocketClient
from ws4py.exc import HandshakeError
from ws4py.messaging import PingControlMessage


class Threaded(WebSocketClient):
    """Hands what comes to the loop."""

    def __init__(self, url, loop):
        super().__init__(url)
        self.loop = loop
        self.messages = asyncio.Queue()
        self.pongs = asyncio.Queue()
        self.end = loop.create_future()

    def received_message(self, message):
        self.hand(self.messages, message.data.decode() if message.is_text else message.data)

    def ponged(self, pong):
        self.hand(self.pongs, pong.data)

    def hand(self, queue, item):
        self.loop.call_soon_threadsafe(queue.put_nowait, item)

    def closed(self, code, reason=None):
        self.loop.call_soon_threadsafe(self.end.set_result, (code, text_of(reason)))


def text_of(reason):
    return reason.decode() if isinstance(reason, bytes) else reason or ""


class Client(cases.Client):
    def __init__(self, ws):
        self.ws = ws

    @classmethod
    async def open(cls, url, compress):
        ws = Threaded(url, asyncio.get_running_loop())
        ws.daemon = True
        try:
            await asyncio.to_thread(ws.connect)
        except HandshakeError as error:
            status = [int(word) for word in str(error).replace("'", " ").split() if word.isdigit()]
            raise cases.Refused(status[0] if status else None)
        return cls(ws)

    async def send(self, message):
        await asyncio.to_thread(self.ws.send, message, isinstance(message, bytes))

    async def recv(self):
        return await self.ws.messages.get()

    async def fragments(self, pieces):
        # It looks ahead for the last, and takes nothing empty for an item.
        await asyncio.to_thread(self.ws.send, (piece.encode() for piece in pieces if piece))

    async def ping(self, data):
        await asyncio.to_thread(self.ws.send, PingControlMessage(data))
        cases.check(await self.ws.pongs.get() == data.encode(), "its ping was not answered")

    async def close(self, code, reason):
        await asyncio.to_thread(self.ws.close, code, reason)
        return await self.closed()

    async def closed(self):
        return await self.ws.end


cases.main(Client, ws4py.__version__)
