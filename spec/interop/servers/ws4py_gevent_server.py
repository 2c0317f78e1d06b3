"""ws4py on gevent."""

import listening
import ws4py_echo
from ws4py.server.geventserver import WSGIServer

server = WSGIServer(("127.0.0.1", 0), ws4py_echo.app, log=None)
server.start()
listening.say(port=server.server_port)
server.serve_forever()
