"""What every client in Python is asked to do with our server, in the order of the table's columns.

A client's script makes a Client and calls main() with it, its distribution's version, and its command line: a JSON object of
our servers' urls by the runtimes that they run in. It prints the version, and a line of JSON for each outcome.
"""

import asyncio
import json
import sys

PATIENCE_S = 20
MIB = 1024 * 1024


class Absent(Exception):
    """What the client cannot do; the reason is for the table."""


class Refused(Exception):
    """The server did not upgrade; with a status, if the client tells."""

    def __init__(self, status=None):
        super().__init__(f"it was refused with {status or 'no status'}")
        self.status = status


class Client:
    """An open connection. A class of each library's own has these, as far as it can."""

    @classmethod
    async def open(cls, url, compress):
        """Raises Refused."""
        raise NotImplementedError

    async def send(self, message):
        raise NotImplementedError

    async def recv(self):
        raise NotImplementedError

    async def fragments(self, pieces):
        raise Absent("It has no way to send fragments; it takes those of the server.")

    async def ping(self, data):
        """Returns when the pong has come."""
        raise Absent("It has no way to send pings; it answers those of the server.")

    async def close(self, code, reason):
        """Returns the code and the reason with which the other side has answered."""
        raise NotImplementedError

    async def closed(self):
        """Returns the code and the reason of the other side's Close."""
        raise NotImplementedError


def check(condition, what):
    if not condition:
        raise AssertionError(what)


async def echoes(link, *messages):
    for message in messages:
        await link.send(message)
        back = await link.recv()
        check(back == message, f"{type(message).__name__} of {len(message)} came back as another")


def echoing(*messages):
    async def run(client, base):
        link = await client.open(base + "echo", False)
        await echoes(link, *messages)
        await link.close(1000, "")

    return run


async def recv_once(client, url):
    """What the server says once it is asked."""
    link = await client.open(url, False)
    await link.send("now")
    message = await link.recv()
    await link.close(1000, "")
    return message


async def fragmented(client, base):
    came = await recv_once(client, base + "fragments")
    check(came == "one, two, thr\u00e9\u00e9", f"the server's fragments came as {came!r}")
    link = await client.open(base + "echo", False)
    try:
        await link.fragments(["one, ", "", "two"])
        check(await link.recv() == "one, two", "fragments came back as another")
    except Absent as absent:
        return str(absent)
    finally:
        await link.close(1000, "")


async def ping(client, base):
    check(await recv_once(client, base + "ping") == "you are", "it did not answer a ping")
    link = await client.open(base + "echo", False)
    try:
        await link.ping("hi")
    except Absent as absent:
        return str(absent)
    finally:
        await link.close(1000, "")


async def close(client, base):
    one = await client.open(base + "echo?id=one", False)
    answered = await one.close(4001, "enough \u20ac")
    check(answered == (4001, "enough \u20ac"), f"its own Close was answered with {answered}")
    seen = json.loads(await recv_once(client, base + "seen?id=one"))
    expected = {"code": 4001, "reason": "enough \u20ac", "wasClean": True}
    check(seen == expected, f"the server saw {seen}")
    other = await client.open(base + "close?id=other", False)
    await other.send("now")
    end = await other.closed()
    check(end == (4002, "go away \u20ac"), f"the server's Close came as {end}")
    answer = json.loads(await recv_once(client, base + "seen?id=other"))
    check(answer["wasClean"], f"it answered with {answer}")
    if answer["code"] != 4002:
        return f"It answers a Close with {answer['code']}."


async def compression(client, base):
    link = await client.open(base + "terms", True)
    await link.send("now")
    terms = await link.recv()
    if not terms.startswith("permessage-deflate"):
        raise Absent("It does not offer compression.")
    text = "over and over and " * 2000
    await echoes(link, text, "", text, bytes(5000), "\U0001f600" * 9, text)
    await link.close(1000, "")


async def refusal(client, base):
    try:
        await client.open(base + "refuse", False)
    except Refused as refused:
        check(refused.status in (None, 403), str(refused))
        return None if refused.status else "It does not tell the status."
    raise AssertionError("it was not refused")


CASES = {
    "text": echoing("Hello, Server"),
    "UTF-8": echoing("a\u00e9\u20ac\U0001f600\ufffd\0" * 100),
    "binary": echoing(bytes(range(256))),
    "empty": echoing("", b"", ""),
    "fragmented": fragmented,
    "1 MiB": echoing(bytes((i * 31 ^ i >> 8) & 255 for i in range(MIB)), "0123456789abcd\u20ac" * (MIB // 17)),
    "ping": ping,
    "close": close,
    "compression": compression,
    "refusal": refusal,
}


async def attempt(run, client, base):
    try:
        note = await asyncio.wait_for(run(client, base), PATIENCE_S)
        return "ok", note or ""
    except Absent as absent:
        return "none", str(absent)
    except asyncio.TimeoutError:
        return "failed", f"it took more than {PATIENCE_S} s"
    except Exception as error:  # whatever a library throws
        return "failed", f"{type(error).__name__}: {error}"


async def try_all(client):
    for runtime, base in json.loads(sys.argv[1]).items():
        for name, run in CASES.items():
            outcome, note = await attempt(run, client, base)
            print(json.dumps({"runtime": runtime, "case": name, "outcome": outcome, "note": note}), flush=True)


def main(client, version):
    print(json.dumps({"version": version}), flush=True)
    asyncio.run(try_all(client))
