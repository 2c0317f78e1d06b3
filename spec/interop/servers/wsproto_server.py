"""wsproto, which is a protocol without a socket, on asyncio's streams; each fragment is echoed as it comes."""

import asyncio

import listening
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate


def answer(connection, event):
    """What goes out for an event."""
    if isinstance(event, Request):
        if event.target == "/refuse":
            refusal = RejectConnection(status_code=403, headers=[(b"content-length", b"7")], has_body=True)
            return connection.send(refusal) + connection.send(RejectData(data=b"not you"))
        chosen = next((name for name in event.subprotocols if name in listening.PROTOCOLS), None)
        return connection.send(AcceptConnection(subprotocol=chosen, extensions=[PerMessageDeflate()]))
    if isinstance(event, (Ping, CloseConnection)):
        return connection.send(event.response())
    if isinstance(event, TextMessage) and event.data == "close":
        return connection.send(CloseConnection(code=4002, reason="done"))
    if isinstance(event, (TextMessage, BytesMessage)):
        return connection.send(type(event)(data=event.data, message_finished=event.message_finished))
    return b""


async def serve(reader, writer):
    connection = WSConnection(ConnectionType.SERVER)
    is_over = False
    while not is_over and (data := await reader.read(65536)):
        connection.receive_data(data)
        for event in connection.events():
            is_over = isinstance(event, CloseConnection) or (isinstance(event, Request) and event.target == "/refuse")
            # The answer to our own Close frame needs none.
            if not (isinstance(event, CloseConnection) and connection.state.name == "CLOSED"):
                writer.write(answer(connection, event))
            if is_over:
                break
        await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    listening.say(port=server.sockets[0].getsockname()[1])
    await asyncio.Future()


asyncio.run(main())
