"""Pushing to a TAXII 2.1 server on loopback that takes, postpones, halves and refuses."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest
from taxii2client.v21 import Collection

from cyberpi_assets.storage.taxii import MEDIA, TaxiiRefused, push

OBJECTS = [{"type": "note", "id": f"note--{k}", "content": "x" * 200} for k in range(10)]
SECRET = ("ann", "hunter-secret-7")


class Server(ThreadingHTTPServer):
    """One API root /api/ with one collection, `c`; the attributes say how it behaves."""

    can_write = True
    most = 1_000_000
    really_most = 1_000_000
    postponed = 0
    refused: tuple[str, ...] = ()
    status: int | None = None
    body: bytes | None = None
    login: tuple[str, str] | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.taken: list[dict[str, Any]] = []
        self.envelopes: list[int] = []
        self.asked: list[str] = []
        self.waiting: dict[str, Any] = {}

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api/"

    @property
    def collection(self) -> str:
        return f"{self.root}collections/c/"


class Handler(BaseHTTPRequestHandler):
    @property
    def of(self) -> Server:
        """The server this answers for."""
        return cast(Server, self.server)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def answer(self, status: int, body: Any) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", MEDIA)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def allowed(self) -> bool:
        of = self.of
        of.asked.append(f"{self.command} {self.path}")
        if of.login is not None:
            expected = "Basic " + base64.b64encode(":".join(of.login).encode()).decode()
            if self.headers.get("Authorization") != expected:
                self.answer(401, {})
                return False
        if self.headers.get("Accept") != MEDIA:
            self.answer(406, {})
            return False
        return True

    def do_GET(self) -> None:
        of = self.of
        if not self.allowed():
            return
        if self.path == "/api/collections/c/":
            self.answer(
                200, {"id": "c", "title": "t", "can_read": True, "can_write": of.can_write, "media_types": [MEDIA]}
            )
        elif self.path == "/api/":
            self.answer(200, {"title": "r", "versions": [MEDIA], "max_content_length": of.most})
        elif self.path.startswith("/api/status/"):
            name = self.path.split("/")[3]
            of.waiting[name]["polls"] -= 1
            self.answer(200, self.state(name))
        else:
            self.answer(404, {})

    def do_POST(self) -> None:
        of = self.of
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.allowed():
            return
        if self.path != "/api/collections/c/objects/" or self.headers.get("Content-Type") != MEDIA:
            self.answer(415, {})
        elif of.status is not None:
            self.answer(of.status, of.body if of.body is not None else {})
        elif len(data) > of.really_most:
            self.answer(413, {})
        else:
            body = json.loads(data)
            assert set(body) == {"objects"}, "an envelope, not a bundle"
            of.envelopes.append(len(data))
            of.taken += [o for o in body["objects"] if o["id"] not in of.refused]
            name = f"s{len(of.waiting)}"
            of.waiting[name] = {"polls": of.postponed, "ids": [o["id"] for o in body["objects"]]}
            self.answer(202, self.state(name))

    def state(self, name: str) -> dict[str, Any]:
        job = self.of.waiting[name]
        done = job["polls"] <= 0
        failures = [{"id": i, "version": "v", "message": "odd"} for i in job["ids"] if i in self.of.refused]
        return {
            "id": name, "status": "complete" if done else "pending", "total_count": len(job["ids"]),
            "success_count": len(job["ids"]) - len(failures) if done else 0,
            "failure_count": len(failures) if done else 0, "failures": failures if done else [],
            "pending_count": 0 if done else len(job["ids"]),
        }  # fmt: skip


@pytest.fixture
def server() -> Generator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def pushed(server: Server, **more: Any) -> Any:
    return push(server.collection, OBJECTS, wait=lambda _: None, **more)


def test_objects_arrive_in_envelopes_the_server_takes(server: Server) -> None:
    server.most = 1000
    found = pushed(server)
    assert (found.taken, found.pending, found.failed) == (10, 0, [])
    assert [o["id"] for o in server.taken] == [o["id"] for o in OBJECTS]
    assert len(server.envelopes) > 2
    assert max(server.envelopes) <= 1000


def test_a_server_that_says_too_large_gets_halves(server: Server) -> None:
    server.really_most = 700
    found = pushed(server)
    assert found.taken == 10
    assert max(server.envelopes) <= 700
    server.really_most = 100
    assert pushed(server).failed[0] == "note--0: larger than the server takes"


def test_a_status_is_followed_until_complete_and_failures_are_named(server: Server) -> None:
    server.postponed, server.refused = 3, ("note--4",)
    found = pushed(server)
    assert (found.taken, found.failed) == (9, ["note--4: odd"])
    assert sum(a.startswith("GET /api/status/") for a in server.asked) == 3
    server.postponed = 1000
    assert pushed(server).pending == 10


def test_refusals_are_said_and_no_secret_with_them(server: Server) -> None:
    server.login = SECRET
    assert pushed(server, login=SECRET).taken == 10
    with pytest.raises(TaxiiRefused, match="not accepted") as wrong:
        pushed(server, login=("ann", "wrong-secret"))
    assert "secret" not in str(wrong.value)
    server.login = None
    server.can_write = False
    with pytest.raises(TaxiiRefused, match="can_write"):
        pushed(server)
    server.can_write = True
    for status, words in ((403, "written to"), (406, "406"), (415, "415"), (422, "422"), (500, "500"), (302, "302")):
        server.status = status
        with pytest.raises(TaxiiRefused, match=words):
            pushed(server)
    server.status, server.body = 202, b"<html>"
    with pytest.raises(TaxiiRefused, match="no JSON"):
        pushed(server)


@pytest.mark.parametrize(
    "url",
    [
        "http://taxii.example.org/api/collections/c/",
        "ftp://127.0.0.1/api/collections/c/",
        "https://taxii.example.org/api/",
        "https://taxii.example.org/api/collections/",
        "https://ann:pw@taxii.example.org/api/collections/c/",
    ],
)
def test_unsafe_addresses_are_not_asked(url: str) -> None:
    with pytest.raises(TaxiiRefused) as refused:
        push(url, OBJECTS)
    assert "pw" not in str(refused.value)


def test_a_server_that_is_not_there_is_said(server: Server) -> None:
    with pytest.raises(TaxiiRefused, match="does not answer"):
        push("http://127.0.0.1:1/api/collections/c/", OBJECTS)


def test_the_double_is_one_that_the_reference_client_accepts(server: Server) -> None:
    collection = Collection(server.collection)
    status = collection.add_objects({"objects": OBJECTS[:2]}, poll_interval=0)
    assert (status.status, status.success_count) == ("complete", 2)
