"""Drives the conformance server with Debian's python3-socketio: client.py URL TRANSPORT.

Prints one line of JSON: the name of each test, and null or what went wrong.
"""
import json
import os
import sys
import threading
import traceback

import engineio
import socketio

# A burst may come in one payload.
engineio.payload.Payload.max_decode_packets = 1000

URL, TRANSPORT = sys.argv[1:]
TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": ["polling", "websocket"]}[TRANSPORT]
TIMEOUT = 20 * int(os.environ.get("SLOW", 1))  # seconds


class Client:
    """A connected client; use as a context manager."""

    def __init__(self, namespace="/", **options):
        self.namespace = namespace
        self.sio = socketio.Client(reconnection=False)
        self.heard = {}
        self.more = threading.Condition()
        self.sio.on("*", self._hear, namespace=namespace)
        for event in ("welcome", "seq", "echo", "seqb", "refused", "disconnect"):
            self.sio.on(event, lambda *args, event=event: self._hear(event, *args), namespace=namespace)
        self.sio.on("question", lambda payload: ("answer", payload), namespace=namespace)
        self.sio.connect(URL, transports=TRANSPORTS, namespaces=[namespace], wait_timeout=TIMEOUT, **options)

    def _hear(self, event, *args):
        with self.more:
            self.heard.setdefault(event, []).append(args)
            self.more.notify_all()

    def wait(self, event, n=1):
        with self.more:
            assert self.more.wait_for(lambda: len(self.heard.get(event, [])) >= n, TIMEOUT), f"no {event}"
            return self.heard[event]

    def ask(self, event, *args):
        return self.sio.call(event, args or None, namespace=self.namespace, timeout=TIMEOUT)

    def emit(self, event, *args):
        self.sio.emit(event, args or None, namespace=self.namespace)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sio.disconnect()


def equal(got, want):
    assert got == want, f"got {got!r}, want {want!r}"


def pattern(n):
    return bytes((i * 31 + 7) & 255 for i in range(n))


def welcome_and_info():
    with Client() as c:
        (meta,) = c.wait("welcome")[0]
        equal(meta["nsp"], "/")
        equal(c.ask("info")["transport"], "polling" if TRANSPORT == "polling" else "websocket")


def values():
    with Client() as c:
        value = [None, True, 1.5, "é日本語😀", {"a": [{}]}]
        equal(c.ask("echo", value), value)
        equal(c.ask("genStrings")[3], "日本語")


def binary():
    with Client() as c:
        equal(c.ask("genBinary", 70000), pattern(70000))
        equal(c.ask("echo", {"list": [pattern(3), {"deep": pattern(300)}]}), {"list": [pattern(3), {"deep": pattern(300)}]})


def the_server_asks():
    with Client() as c:
        equal(list(c.ask("ask", 5000, {"q": 1})), [None, ["answer", {"q": 1}]])


def order():
    with Client() as c:
        c.emit("burst", 300, 5, "t")
        # This client handles each event on a thread of its own: all arrive, in whatever order they get the lock.
        equal(sorted(args[1] for args in c.wait("seq", 300)), list(range(300)))
        for i in range(300):
            c.emit("put", "t", i)
        equal(c.ask("putReport", "t"), {"count": 300, "bad": None})


def namespaces_and_auth():
    with Client("/auth", auth={"token": "s3cret"}) as c:
        equal(c.ask("info")["auth"], {"token": "s3cret"})
    with Client("/dyn-5") as c:
        equal(c.ask("echo", 1), 1)


def refusals():
    for namespace in ("/auth", "/nope"):
        try:
            Client(namespace)
        except socketio.exceptions.ConnectionError:
            continue
        raise AssertionError(f"let into {namespace}")


def rooms():
    with Client() as a, Client() as b:
        b.ask("join", "r")
        a.emit("relay", {"rooms": ["r"]}, "echo", "for r")
        equal(b.wait("echo")[0], ("for r",))


def disconnected_by_the_server():
    with Client() as c:
        c.emit("bye", True)
        c.wait("disconnect")


TESTS = (welcome_and_info, values, binary, the_server_asks, order, namespaces_and_auth, refusals, rooms, disconnected_by_the_server)

results = {}
for test in TESTS:
    try:
        test()
        results[test.__name__.replace("_", " ")] = None
    except Exception:  # pylint: disable=broad-except
        results[test.__name__.replace("_", " ")] = traceback.format_exc()
print(json.dumps(results))
