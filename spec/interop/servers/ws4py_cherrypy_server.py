"""ws4py on CherryPy."""

import cherrypy
import listening
import ws4py_echo
from ws4py.server.cherrypyserver import WebSocketPlugin, WebSocketTool


class Root:
    @cherrypy.expose
    def index(self):
        pass

    @cherrypy.expose
    def refuse(self):
        raise cherrypy.HTTPError(403, "not you")


cherrypy.tools.websocket = WebSocketTool()
WebSocketPlugin(cherrypy.engine).subscribe()
cherrypy.config.update(
    {"server.socket_host": "127.0.0.1", "server.socket_port": 0, "log.screen": False, "engine.autoreload.on": False}
)
tool = {
    "tools.websocket.on": True,
    "tools.websocket.handler_cls": ws4py_echo.Echo,
    "tools.websocket.protocols": listening.PROTOCOLS,
}
cherrypy.tree.mount(Root(), "/", {"/": tool, "/refuse": {"tools.websocket.on": False}})
cherrypy.engine.start()
listening.say(port=cherrypy.server.bound_addr[1])
cherrypy.engine.block()
