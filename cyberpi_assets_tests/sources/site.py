"""A web site on loopback for tests: it answers as told, fails as told, and counts what it was asked."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, str]
    query: str = ""

    @property
    def cookies(self) -> dict[str, str]:
        pairs = (c.strip().partition("=") for c in self.headers.get("cookie", "").split(";") if c.strip())
        return {name: value for name, _, value in pairs}


@dataclass
class Reply:
    """One answer. `cut` closes the connection after so many bytes of the body; `drip` sends it in so small pieces."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()
    cut: int | None = None
    drip: Callable[[], None] | None = None


@dataclass
class Site:
    """The running site: its address and everything it was asked, in order."""

    base: str
    host: str
    asked: list[Asked] = field(default_factory=list)

    def count(self) -> Counter[str]:
        return Counter(f"{a.method} {a.path}" for a in self.asked)


@contextmanager
def serving(answer: Callable[[Asked], Reply]) -> Iterator[Site]:
    """A site that gives `answer(request)` to every request, until the block ends."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            form = {k: v[0] for k, v in parse_qs(body.decode(), keep_blank_values=True).items()}
            at = urlsplit(self.path)
            asked = Asked(self.command, at.path, {k.lower(): v for k, v in self.headers.items()}, form, at.query)
            with lock:
                site.asked.append(asked)
                reply = answer(asked)
            try:
                self._send(reply)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            for cookie in reply.cookies:
                self.send_header("Set-Cookie", cookie)
            if "Content-Length" not in reply.headers and reply.status != 304:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if reply.drip is not None:
                for at in range(len(reply.body)):
                    self.wfile.write(reply.body[at : at + 1])
                    self.wfile.flush()
                    reply.drip()
            elif reply.status != 304:
                self.wfile.write(reply.body if reply.cut is None else reply.body[: reply.cut])
            if reply.cut is not None:
                self.close_connection = True

        do_GET = do_POST = _serve

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    host = f"127.0.0.1:{server.server_address[1]}"
    site = Site(f"http://{host}", host)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()


class FakeTime:
    """A clock that moves only when somebody waits, and remembers the waits."""

    def __init__(self, start: float = 1_767_225_600.0) -> None:
        self.at = start
        self.waits: list[float] = []

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds
