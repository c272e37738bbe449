"""A server on loopback that speaks as Ollama does, fails as told, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DIGEST = "2ae6f6dd7a3dd734790bbbf58b8909a606e0e7e97e94b7604e0aa7ae4490e6d8"
MODEL = "llama3.2:3b"


@dataclass
class Said:
    """One answer of /api/chat: lines of the stream, or a status with an error. `hold`: waits before the first byte."""

    lines: Sequence[str] = ()
    status: int = 200
    error: str = ""
    hold: threading.Event | None = None
    broken: bool = False  # the connection ends within the stream


def streamed(text: str, *, done_reason: str = "stop", pieces: int = 3, counts: bool = True) -> Said:
    """A whole answer, in pieces, as the server streams it."""
    step = max(1, -(-len(text) // pieces))
    parts = [text[i : i + step] for i in range(0, len(text), step)] or [""]
    lines = [
        json.dumps({"model": MODEL, "created_at": "2026-01-01T00:00:00Z",
                    "message": {"role": "assistant", "content": p}, "done": False})
        for p in parts
    ]  # fmt: skip
    last: dict[str, Any] = {"model": MODEL, "created_at": "2026-01-01T00:00:01Z",
                            "message": {"role": "assistant", "content": ""}, "done": True,
                            "done_reason": done_reason, "total_duration": 5_000, "eval_count": 40}  # fmt: skip
    if counts:
        last["prompt_eval_count"] = 300
    return Said([*lines, json.dumps(last)])


def answered(body: Any, **how: Any) -> Said:
    return streamed(json.dumps(body), **how)


@dataclass
class Server:
    """The running server: its address, what it will say, what it was asked."""

    host: str
    chat: list[Said]
    models: list[dict[str, Any]] = field(default_factory=list)
    running: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """All that was said to the model, one text per question."""
        return ["\n".join(m["content"] for m in question["messages"]) for question in self.asked]


@contextmanager
def ollama_server(
    *chat: Said,
    vram: float | None = 0.5,
    answer: Callable[[dict[str, Any]], Said] | None = None,
    embed: Callable[[dict[str, Any]], tuple[int, Any]] | None = None,
) -> Iterator[Server]:
    """Serve the answers in order, the last one again and again, until the block ends.

    `embed`: the status and the body of each answer of /api/embed, by what was asked.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _json(self, status: int, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            self._json(200, {"models": {"/api/tags": server.models, "/api/ps": server.running}[self.path]})

        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked.append(question)
            if self.path == "/api/embed":
                self._json(*(embed(question) if embed else (404, {"error": "no such path"})))
                return
            said = answer(question) if answer else server.chat.pop(0) if len(server.chat) > 1 else server.chat[0]
            if said.hold is not None:
                said.hold.wait(20)
            try:
                if said.status != 200:
                    self._json(said.status, {"error": said.error})
                    return
                self.send_response(200)
                self.send_header("Content-Type", "application/x-ndjson")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for line in said.lines:
                    data = line.encode() + b"\n"
                    self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                    self.wfile.flush()
                if said.broken:
                    self.close_connection = True
                    return
                self.wfile.write(b"0\r\n\r\n")
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    about = {"name": MODEL, "model": MODEL, "size": 4_000, "digest": DIGEST, "details": {"family": "llama"}}
    running = about if vram is None else about | {"size_vram": int(4_000 * vram)}
    server = Server(f"http://127.0.0.1:{listening.server_address[1]}", list(chat), [about], [running])
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        for said in chat:
            if said.hold is not None:
                said.hold.set()
        listening.shutdown()
        listening.server_close()
