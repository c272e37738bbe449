"""A server that speaks Bolt 5.4 over an embedded graph, for the real Neo4j driver.

It proves what goes over the wire: greeting, password, statements with parameters, transactions, rows, failures. It does
not prove Neo4j: its planner, locks, constraints, clusters, and where its Cypher differs from the embedded store's.
"""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from typing import Any

import kglite
from neo4j._codec.packstream.v1 import PackableBuffer, Packer, UnpackableBuffer, Unpacker

_HELLO, _GOODBYE, _RESET, _RUN, _BEGIN, _COMMIT, _ROLLBACK, _DISCARD, _PULL = (
    b"\x01", b"\x02", b"\x0f", b"\x10", b"\x11", b"\x12", b"\x13", b"\x2f", b"\x3f",
)  # fmt: skip
_LOGON, _ROUTE = b"\x6a", b"\x66"
_SUCCESS, _RECORD, _FAILURE, _IGNORED = b"\x70", b"\x71", b"\x7f", b"\x7e"


class BoltDouble:
    """Listens on loopback; `graph` is what it serves, `statements` what it was sent."""

    def __init__(self, password: str = "right") -> None:
        self.graph, self.password, self.statements = kglite.KnowledgeGraph(), password, list[str]()
        self.lock = threading.Lock()
        outer = self

        class Session(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _Talk(self.request, outer).run()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Talk:
    def __init__(self, wire: Any, server: BoltDouble) -> None:
        self._wire, self._server = wire, server
        self._transaction: Any = None
        self._rows: list[list[Any]] = []
        self._failed = False

    def run(self) -> None:
        greeting = self._exactly(20)
        if greeting is None or greeting[:4] != b"\x60\x60\xb0\x17":
            return
        self._wire.sendall(b"\x00\x00\x04\x05")
        while (message := self._message()) is not None:
            tag, fields = message
            if tag == _GOODBYE:
                return
            if tag == _RESET:
                self._failed, self._transaction, self._rows = False, None, []
                self._send(_SUCCESS, {})
            elif self._failed:
                self._send(_IGNORED)
            else:
                self._answer(tag, fields)

    def _answer(self, tag: bytes, fields: list[Any]) -> None:
        try:
            self._send(_SUCCESS, self._done(tag, fields))
        except PermissionError:
            self._fail("Neo.ClientError.Security.Unauthorized", "no such user or password")
        except kglite.CypherError as error:
            self._fail("Neo.ClientError.Statement.SyntaxError", str(error))
        except kglite.KgError as error:
            self._fail("Neo.DatabaseError.General.UnknownError", str(error))

    def _done(self, tag: bytes, fields: list[Any]) -> dict[str, Any]:
        if tag == _HELLO:
            return {"server": "Neo4j/5.4.0", "connection_id": "double", "hints": {}}
        if tag == _LOGON and fields[0].get("credentials") != self._server.password:
            raise PermissionError
        if tag == _BEGIN:
            self._transaction = self._server.graph.begin()
        elif tag == _COMMIT:
            self._transaction.commit()
            self._transaction = None
        elif tag == _ROLLBACK:
            self._transaction = None
        elif tag == _RUN:
            with self._server.lock:
                self._server.statements.append(fields[0])
                found = (self._transaction or self._server.graph).cypher(fields[0], params=fields[1])
                names = list(found.columns)
                self._rows = [[row[n] for n in names] for row in found.to_dicts()]
            return {"fields": names, "qid": 0}
        elif tag == _PULL:
            n = fields[0]["n"]
            sent = self._rows if n < 0 else self._rows[:n]
            self._rows = self._rows[len(sent) :]
            for row in sent:
                self._send(_RECORD, row)
            return {"has_more": bool(self._rows)} if self._rows else {"type": "rw", "db": "double"}
        elif tag == _DISCARD:
            self._rows = []
        elif tag == _ROUTE:
            place = [f"127.0.0.1:{self._server.port}"]
            roles = [{"addresses": place, "role": r} for r in ("READ", "WRITE", "ROUTE")]
            return {"rt": {"ttl": 300, "db": "double", "servers": roles}}
        return {}

    def _fail(self, code: str, message: str) -> None:
        self._failed = True
        self._send(_FAILURE, {"code": code, "message": message})

    def _send(self, tag: bytes, *fields: Any) -> None:
        buffer = PackableBuffer()
        Packer(buffer).pack_struct(tag, fields)
        data = bytes(buffer.data)
        parts = (data[at : at + 0xFFFF] for at in range(0, len(data), 0xFFFF))
        # in one go: a small second packet would wait for the first one's acknowledgement
        self._wire.sendall(b"".join(struct.pack(">H", len(p)) + p for p in parts) + b"\x00\x00")

    def _message(self) -> tuple[bytes, list[Any]] | None:
        data = b""
        while True:
            head = self._exactly(2)
            if head is None:
                return None
            size = struct.unpack(">H", head)[0]
            if size == 0:
                if data:
                    break
                continue  # a sign of life
            data += self._exactly(size) or b""
        unpacker = Unpacker(UnpackableBuffer(data))
        size, tag = unpacker.unpack_structure_header()
        return tag, [unpacker.unpack() for _ in range(size)]

    def _exactly(self, n: int) -> bytes | None:
        data = b""
        while len(data) < n:
            part = self._wire.recv(n - len(data))
            if not part:
                return None
            data += part
        return data
