"""What the servers on asyncio and on Twisted have in common: an echo with compression, and a small WAMP router."""

import listening
from autobahn.wamp import message
from autobahn.wamp.role import RoleBrokerFeatures, RoleDealerFeatures
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept
from autobahn.websocket.types import ConnectionDeny


class Echo:
    """To be mixed into a WebSocketServerProtocol."""

    def onConnect(self, request):
        if request.path == "/refuse":
            raise ConnectionDeny(403, "not you")
        if request.path == "/mute":
            return None  # whatever is offered
        return next((name for name in request.protocols if name in listening.PROTOCOLS), None)

    def onMessage(self, payload, isBinary):
        if payload == b"close":
            self.sendClose(4002, "done")
        elif payload == b"terms":
            self.sendMessage(self.http_headers.get("sec-websocket-extensions", "").encode())
        else:
            self.sendMessage(payload, isBinary)


def accept(offers):
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            return PerMessageDeflateOfferAccept(offer)


OPTIONS = {
    "perMessageCompressionAccept": accept,
    "maxMessagePayloadSize": listening.MAX_SIZE,
    # For machines that have much to do.
    "openHandshakeTimeout": listening.PATIENCE,
    "closeHandshakeTimeout": listening.PATIENCE,
}


class Router:
    """The router's end of one WAMP session; the one procedure that it has adds numbers."""

    # Asked for by the transport when it logs.
    _authid = None
    _session_id = 7

    def onOpen(self, transport):
        self.transport = transport

    def onMessage(self, said):
        if isinstance(said, message.Hello):
            roles = {"broker": RoleBrokerFeatures(), "dealer": RoleDealerFeatures()}
            if said.realm == "realm1":
                self.transport.send(message.Welcome(self._session_id, roles, realm=said.realm, authid="guest", authrole="anonymous"))
            else:
                self.transport.send(message.Abort("wamp.error.no_such_realm"))
        elif isinstance(said, message.Call):
            if said.procedure == "test.add":
                self.transport.send(message.Result(said.request, args=[sum(said.args)]))
            else:
                self.transport.send(message.Error(message.Call.MESSAGE_TYPE, said.request, "wamp.error.no_such_procedure"))
        elif isinstance(said, message.Goodbye):
            self.transport.send(message.Goodbye("wamp.close.goodbye_and_out"))

    def onClose(self, wasClean):
        pass
