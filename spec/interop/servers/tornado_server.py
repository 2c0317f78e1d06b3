"""Tornado: / refuses another Origin than its own host, as it does by default; on another port it sends pings."""

import asyncio

import listening
import tornado.httpserver
import tornado.netutil
import tornado.web
import tornado.websocket


class Echo(tornado.websocket.WebSocketHandler):
    def select_subprotocol(self, offered):
        return next((name for name in offered if name in listening.PROTOCOLS), None)

    def get_compression_options(self):
        return {}

    async def on_message(self, message):
        if message == "close":
            self.close(4002, "done")
        elif message == "terms":
            await self.write_message(self.request.headers.get("Sec-WebSocket-Extensions", ""))
        else:
            await self.write_message(message, binary=isinstance(message, bytes))


def listen(**settings):
    app = tornado.web.Application([("/", Echo)], websocket_max_message_size=listening.MAX_SIZE, **settings)
    sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
    tornado.httpserver.HTTPServer(app).add_sockets(sockets)
    return sockets[0].getsockname()[1]


async def main():
    pings = listen(websocket_ping_interval=0.05, websocket_ping_timeout=listening.PATIENCE)
    listening.say(port=listen(), pings=pings)
    await asyncio.Future()


asyncio.run(main())
