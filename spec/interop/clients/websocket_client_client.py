"""python3-websocket: websocket-client, in its short-lived shape."""

import asyncio

import cases
import websocket
from websocket import ABNF


class Client(cases.Client):
    def __init__(self, ws):
        self.ws = ws

    @classmethod
    async def open(cls, url, compress):
        try:
            return cls(await asyncio.to_thread(websocket.create_connection, url, timeout=cases.PATIENCE_S))
        except websocket.WebSocketBadStatusException as error:
            raise cases.Refused(error.status_code)

    async def send(self, message):
        opcode = ABNF.OPCODE_TEXT if isinstance(message, str) else ABNF.OPCODE_BINARY
        await asyncio.to_thread(self.ws.send, message, opcode)

    async def data(self, *wanted):
        while True:
            opcode, data = await asyncio.to_thread(self.ws.recv_data, control_frame=True)
            if opcode in wanted:
                return opcode, data

    async def recv(self):
        opcode, data = await self.data(ABNF.OPCODE_TEXT, ABNF.OPCODE_BINARY)
        return data.decode() if opcode == ABNF.OPCODE_TEXT else data

    async def fragments(self, pieces):
        for i, piece in enumerate(pieces):
            opcode = ABNF.OPCODE_CONT if i else ABNF.OPCODE_TEXT
            self.ws.send_frame(ABNF.create_frame(piece, opcode, int(i == len(pieces) - 1)))

    async def ping(self, data):
        self.ws.ping(data)
        cases.check((await self.data(ABNF.OPCODE_PONG))[1] == data.encode(), "its ping was not answered")

    async def close(self, code, reason):
        self.ws.send_close(code, reason.encode())
        return await self.closed()

    async def closed(self):
        data = (await self.data(ABNF.OPCODE_CLOSE))[1]
        self.ws.shutdown()
        return int.from_bytes(data[:2], "big"), data[2:].decode()


cases.main(Client, websocket.__version__)
