"""Autobahn on Twisted."""

import autobahn_echo
import listening
from autobahn.twisted.websocket import WampWebSocketServerFactory, WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet import reactor


class Echo(autobahn_echo.Echo, WebSocketServerProtocol):
    pass


def listen(factory):
    return reactor.listenTCP(0, factory, interface="127.0.0.1").getHost().port


factory = WebSocketServerFactory()
factory.protocol = Echo
factory.setProtocolOptions(**autobahn_echo.OPTIONS)
wamp = WampWebSocketServerFactory(autobahn_echo.Router)
wamp.setProtocolOptions(openHandshakeTimeout=listening.PATIENCE)
listening.say(port=listen(factory), wamp=listen(wamp))
reactor.run(installSignalHandlers=False)
