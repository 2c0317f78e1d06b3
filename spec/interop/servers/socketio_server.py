"""Flask-SocketIO on gevent: Socket.IO over Engine.IO over WebSocket."""

import listening
from flask import Flask, request
from flask_socketio import SocketIO, disconnect, emit
from gevent.pywsgi import WSGIServer
from geventwebsocket.handler import WebSocketHandler

app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent", ping_interval=1, ping_timeout=listening.PATIENCE, max_http_buffer_size=listening.MAX_SIZE)


@socketio.on("connect")
def connect(auth):
    if (auth or {}).get("token") == "wrong":
        return False
    emit("hello", {"query": request.args.get("name", "")})


@socketio.on("echo")
def echo(*values):
    return values


@socketio.on("repeat")
def repeat(value):
    emit("repeated", value)


@socketio.on("leave")
def leave():
    disconnect()


server = WSGIServer(("127.0.0.1", 0), app, handler_class=WebSocketHandler, log=None)
server.start()
listening.say(port=server.server_port)
server.serve_forever()
