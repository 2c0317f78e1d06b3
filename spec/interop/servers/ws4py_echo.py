"""What the servers of ws4py have in common."""

import listening
from ws4py.server.wsgiutils import WebSocketWSGIApplication
from ws4py.websocket import WebSocket


class Echo(WebSocket):
    def received_message(self, message):
        if message.data == b"close":
            self.close(4002, "done")
        else:
            self.send(message.data, message.is_binary)


upgrade = WebSocketWSGIApplication(protocols=listening.PROTOCOLS, handler_cls=Echo)


def app(environ, start_response):
    if environ["PATH_INFO"] != "/refuse":
        return upgrade(environ, start_response)
    start_response("403 Forbidden", [("Content-Length", "7"), ("Connection", "close")])
    return [b"not you"]
