"""Django Channels on Daphne: an echo, and a consumer that refuses before it accepts."""

import django
import listening
from django.conf import settings

settings.configure(ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY="none", INSTALLED_APPS=["channels"])
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from daphne.server import Server  # noqa: E402
from django.urls import path  # noqa: E402
from twisted.internet import reactor  # noqa: E402


class Echo(AsyncWebsocketConsumer):
    async def connect(self):
        offered = self.scope["subprotocols"]
        await self.accept(next((name for name in offered if name in listening.PROTOCOLS), None))

    async def receive(self, text_data=None, bytes_data=None):
        if text_data == "close":
            await self.close(4002)
        else:
            await self.send(text_data=text_data, bytes_data=bytes_data)


class Refuse(AsyncWebsocketConsumer):
    async def connect(self):
        await self.close()


class EchoServer(Server):
    def listen_success(self, port):
        listening.say(port=port.getHost().port)


guarded = AllowedHostsOriginValidator(Echo.as_asgi())
routes = [path("", Echo.as_asgi()), path("refuse", Refuse.as_asgi()), path("guarded", guarded)]
app = ProtocolTypeRouter({"websocket": URLRouter(routes)})
EchoServer(
    app,
    endpoints=["tcp:port=0:interface=127.0.0.1"],
    signal_handlers=False,
    ping_interval=1,
    ping_timeout=listening.PATIENCE,
    websocket_handshake_timeout=listening.PATIENCE,
).run()
