"""ws4py on wsgiref."""

from wsgiref.simple_server import make_server

import listening
import ws4py_echo
from ws4py.server.wsgirefserver import WebSocketWSGIRequestHandler, WSGIServer


class Quiet(WebSocketWSGIRequestHandler):
    def log_message(self, format, *words):
        pass


server = make_server("127.0.0.1", 0, ws4py_echo.app, server_class=WSGIServer, handler_class=Quiet)
server.initialize_websockets_manager()
listening.say(port=server.server_port)
server.serve_forever()
