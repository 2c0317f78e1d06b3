"""python3-websockets."""

import cases
import websockets


class Client(cases.Client):
    def __init__(self, ws):
        self.ws = ws

    @classmethod
    async def open(cls, url, compress):
        try:
            return cls(await websockets.connect(url, compression="deflate" if compress else None, max_size=None))
        except websockets.InvalidStatusCode as error:
            raise cases.Refused(error.status_code)

    async def send(self, message):
        await self.ws.send(message)

    async def recv(self):
        return await self.ws.recv()

    async def fragments(self, pieces):
        await self.ws.send(pieces)

    async def ping(self, data):
        await (await self.ws.ping(data))

    async def close(self, code, reason):
        await self.ws.close(code, reason)
        return self.ws.close_code, self.ws.close_reason

    async def closed(self):
        await self.ws.wait_closed()
        return self.ws.close_code, self.ws.close_reason


cases.main(Client, websockets.__version__)
