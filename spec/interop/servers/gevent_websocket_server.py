"""gevent-websocket. It upgrades before an application is asked; pre_start_hook is its way to refuse."""

import listening
from gevent.pywsgi import WSGIServer
from geventwebsocket import Resource, WebSocketApplication
from geventwebsocket.handler import WebSocketHandler
from geventwebsocket.protocols.base import BaseProtocol


class Protocol(BaseProtocol):
    PROTOCOL_NAME = "chat"

    def on_message(self, message):
        self.app.on_message(message)


class Echo(WebSocketApplication):
    protocol_class = Protocol

    def on_message(self, message):
        if message is None:
            return
        if message == "close":
            self.ws.close(4002, b"done")
        else:
            self.ws.send(message, binary=not isinstance(message, str))


def refuse(environ, start_response):
    start_response("403 Forbidden", [("Content-Length", "7")])
    return [b"not you"]


server = WSGIServer(
    ("127.0.0.1", 0),
    Resource([("^/$", Echo), ("^/refuse$", refuse)]),
    handler_class=WebSocketHandler,
    log=None,
)
server.pre_start_hook = lambda handler: handler.environ["PATH_INFO"] == "/refuse"
server.start()
listening.say(port=server.server_port)
server.serve_forever()
