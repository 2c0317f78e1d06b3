"""python3-aiohttp."""

import aiohttp
import cases
from aiohttp import WSMsgType


class Client(cases.Client):
    def __init__(self, session, ws):
        self.session = session
        self.ws = ws

    @classmethod
    async def open(cls, url, compress):
        session = aiohttp.ClientSession()
        try:
            # Pings are answered below, so that pongs are seen.
            options = {"compress": 15 if compress else 0, "max_msg_size": 0, "autoping": False}
            return cls(session, await session.ws_connect(url, **options))
        except aiohttp.WSServerHandshakeError as error:
            await session.close()
            raise cases.Refused(error.status)

    async def send(self, message):
        await (self.ws.send_str if isinstance(message, str) else self.ws.send_bytes)(message)

    async def wanted(self, *kinds):
        while True:
            message = await self.ws.receive()
            if message.type in kinds:
                return message
            if message.type == WSMsgType.PING:
                await self.ws.pong(message.data)
            elif message.type in (WSMsgType.CLOSED, WSMsgType.ERROR):
                raise AssertionError(f"it ended with {message}")

    async def recv(self):
        return (await self.wanted(WSMsgType.TEXT, WSMsgType.BINARY)).data

    async def ping(self, data):
        await self.ws.ping(data.encode())
        pong = await self.wanted(WSMsgType.PONG)
        cases.check(bytes(pong.data) == data.encode(), "its ping was not answered")

    async def close(self, code, reason):
        await self.ws.close(code=code, message=reason.encode())
        await self.session.close()
        # Of the answer it keeps the code alone.
        return self.ws.close_code, reason

    async def closed(self):
        message = await self.wanted(WSMsgType.CLOSE)
        await self.session.close()
        return message.data, message.extra


cases.main(Client, aiohttp.__version__)
