"""A line to a server that can be cut: a relay on loopback that hangs up for good once it sees certain bytes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress


class Line:
    """Relays to a port of this machine. Shape of its life: open, then cut when a client sends `cut_at`."""

    def __init__(self, server: int, cut_at: bytes | None = None) -> None:
        self._server, self._cut_at = server, cut_at
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._ends: list[socket.socket] = []
        self.is_cut = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._server))
                self._ends += [near, far]
                threading.Thread(target=self._relay, args=(near, far, self._cut_at), daemon=True).start()
                threading.Thread(target=self._relay, args=(far, near, None), daemon=True).start()

    def _relay(self, one: socket.socket, other: socket.socket, cut_at: bytes | None) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 16):
                if cut_at is not None and cut_at in data:
                    self.cut()
                    return
                other.sendall(data)
        for end in (one, other):
            end.close()

    def cut(self) -> None:
        """Hang up, and answer nobody from now on."""
        self.is_cut.set()
        for end in (self._listener, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def line(server: int, cut_at: bytes | None = None) -> Generator[Line]:
    """A line as long as it is needed."""
    made = Line(server, cut_at)
    try:
        yield made
    finally:
        made.cut()
