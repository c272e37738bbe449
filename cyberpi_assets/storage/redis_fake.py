"""A Redis server in Python, for machines without one: `python redis_fake.py <redis.conf>`.

Here belongs what fakeredis' TCP server lacks to be started like a real one: port and password from the same
configuration file, and no command without the password. It keeps everything in memory and forgets it when it stops.
"""

from __future__ import annotations

import hmac
import os
import select
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import cast

from fakeredis import TcpFakeServer
from fakeredis._clients._tcp_server import TCPFakeRequestHandler

_LOGIN_S, _MOST_PARTS, _LONGEST_PART = 10.0, 16, 1024
_REFUSED = b"-NOAUTH Authentication required.\r\n"
_WRONG = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"


class _Closed(Exception):
    """The peer has gone, or does not speak the protocol."""


class _Handler(TCPFakeRequestHandler):
    """Passes nothing on to the store before the password was given."""

    def handle(self) -> None:
        password = cast(_Server, self.server).password
        deadline = time.monotonic() + _LOGIN_S
        try:
            while True:
                raw, parts = self._command(deadline)
                given = _password_in(parts)
                if given is not None and hmac.compare_digest(given, password):
                    self.current_client.get_socket().sendall(raw)
                    break
                self.wfile.write(_REFUSED if given is None else _WRONG)
                self.wfile.flush()
        except (_Closed, OSError):
            return
        super().handle()

    def _command(self, deadline: float) -> tuple[bytes, list[bytes]]:
        """One command as sent and as parts; only short ones are read before the password."""
        head = self._line(deadline)
        if not head.startswith(b"*") or not head[1:-2].isdigit() or not 1 <= int(head[1:-2]) <= _MOST_PARTS:
            raise _Closed
        raw, parts = head, list[bytes]()
        for _ in range(int(head[1:-2])):
            size = self._line(deadline)
            if not size.startswith(b"$") or not size[1:-2].isdigit() or int(size[1:-2]) > _LONGEST_PART:
                raise _Closed
            body = self._exactly(int(size[1:-2]) + 2, deadline)
            raw += size + body
            parts.append(body[:-2])
        return raw, parts

    def _line(self, deadline: float) -> bytes:
        line = b""
        while not line.endswith(b"\r\n"):
            line += self._exactly(1, deadline)
            if len(line) > _LONGEST_PART:
                raise _Closed
        return line

    def _exactly(self, count: int, deadline: float) -> bytes:
        """Read from the non-blocking socket until so many bytes are there."""
        found = b""
        while len(found) < count:
            piece = self.rfile.read(count - len(found))
            if piece:
                found += piece
                continue
            ready, _, _ = select.select([self.connection], [], [], max(0.0, deadline - time.monotonic()))
            if piece == b"" or not ready:
                raise _Closed
        return found


def _password_in(parts: list[bytes]) -> bytes | None:
    """The password a command gives for the default user: AUTH [user] password, or HELLO n AUTH user password."""
    name = parts[0].upper()
    if name == b"AUTH" and len(parts) in (2, 3):
        return parts[-1] if len(parts) == 2 or parts[1] == b"default" else b""
    upper = [p.upper() for p in parts]
    if name == b"HELLO" and b"AUTH" in upper:
        at = upper.index(b"AUTH")
        if len(parts) > at + 2:
            return parts[at + 2] if parts[at + 1] == b"default" else b""
    return None


class _Server(TcpFakeServer):
    def __init__(self, port: int, password: bytes) -> None:
        super().__init__(("127.0.0.1", port))
        self.RequestHandlerClass = _Handler
        self.daemon_threads = True
        self.password = password
        self.fake_server.config[b"requirepass"] = password


def _end(_signal: int, _frame: FrameType | None) -> None:
    os._exit(0)  # there is nothing to save, and client threads may be waiting


def main(config: Path) -> None:
    """Serve until told to stop. Reads `port` and `requirepass`."""
    settings = dict(line.split(maxsplit=1) for line in config.read_text().splitlines() if line)
    signal.signal(signal.SIGTERM, _end)
    _Server(int(settings["port"]), settings["requirepass"].encode()).serve_forever(poll_interval=60)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
