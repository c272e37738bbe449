"""A server that speaks Weaviate's REST and gRPC as far as the real client needs here; a dict and NumPy behind it.

It proves what goes over the wire. It does not prove Weaviate: its index, filters, tenants, consistency and limits.
"""

from __future__ import annotations

import json
import struct
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import numpy as np
from google.protobuf.json_format import MessageToDict
from weaviate.proto.v1 import (
    aggregate_pb2,
    base_pb2,
    batch_pb2,
    health_weaviate_pb2,
    properties_pb2,
    search_get_pb2,
    weaviate_pb2_grpc,
)


class WeaviateDouble(weaviate_pb2_grpc.WeaviateServicer):
    """Listens on loopback; `objects` is what it holds: (collection, uuid) to (properties, vector)."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], tuple[dict[str, Any], list[float]]] = {}
        self.schema: dict[str, dict[str, Any]] = {}
        outer = self

        class Rest(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None: ...

            def _do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, answer = outer.rest(self.command, self.path.split("?")[0], json.loads(body) if body else {})
                data = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _do

        self._rest = ThreadingHTTPServer(("127.0.0.1", 0), Rest)
        self.port = self._rest.server_address[1]
        threading.Thread(target=self._rest.serve_forever, args=(0.01,), daemon=True).start()
        self._grpc = grpc.server(ThreadPoolExecutor(2))
        weaviate_pb2_grpc.add_WeaviateServicer_to_server(self, self._grpc)
        check = grpc.unary_unary_rpc_method_handler(
            lambda *_: health_weaviate_pb2.WeaviateHealthCheckResponse(status=1),  # pyright: ignore
            request_deserializer=health_weaviate_pb2.WeaviateHealthCheckRequest.FromString,
            response_serializer=health_weaviate_pb2.WeaviateHealthCheckResponse.SerializeToString,
        )
        health = grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": check})
        self._grpc.add_generic_rpc_handlers((health,))
        self.grpc_port = self._grpc.add_insecure_port("127.0.0.1:0")
        self._grpc.start()

    def close(self) -> None:
        self._rest.shutdown()
        self._rest.server_close()
        self._grpc.stop(0)

    def rest(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        parts = path.strip("/").split("/")[1:]
        if parts == ["meta"]:
            return 200, {"version": "1.30.0", "modules": {}, "grpcMaxMessageSize": 10_000_000}
        if parts[:1] == [".well-known"]:
            return (200, {}) if parts[1] in ("ready", "live") else (404, None)
        if parts == ["schema"] and method == "POST":
            self.schema[body["class"]] = body
            return 200, body
        if parts[:1] == ["schema"]:
            found = self.schema.get(parts[1]) if len(parts) > 1 else {"classes": list(self.schema.values())}
            return (200, found) if found is not None else (404, {"error": []})
        if parts[:1] == ["objects"] and len(parts) == 3:
            key = (parts[1], parts[2])
            if method == "DELETE":
                return (204, None) if self.objects.pop(key, None) else (404, None)
            if method == "PATCH":
                self.objects[key][0].update(body["properties"])
                return 204, None
        return 404, {"error": [{"message": f"{method} {path}"}]}

    def BatchObjects(self, request: Any, context: Any) -> Any:
        for thing in request.objects:
            properties = MessageToDict(thing.properties.non_ref_properties)
            for listed in thing.properties.text_array_properties:
                properties[listed.prop_name] = list(listed.values)
            data = thing.vectors[0].vector_bytes if thing.vectors else thing.vector_bytes
            vector = list(struct.unpack(f"<{len(data) // 4}f", data))
            self.objects[(thing.collection, thing.uuid)] = (properties, vector)
        return batch_pb2.BatchObjectsReply(took=0.1)

    def Aggregate(self, request: Any, context: Any) -> Any:
        n = sum(c == request.collection for c, _ in self.objects)
        single = aggregate_pb2.AggregateReply.Single(objects_count=n)
        return aggregate_pb2.AggregateReply(took=0.1, single_result=single)

    def Search(self, request: Any, context: Any) -> Any:
        here = sorted((k[1], *v) for k, v in self.objects.items() if k[0] == request.collection)
        found = [(number, properties, vector, None) for number, properties, vector in here]
        if request.HasField("filters"):
            wanted = set(_named(request.filters))
            found = [f for f in found if f[0] in wanted]
        if request.HasField("near_vector"):
            data = request.near_vector.vector_bytes or request.near_vector.vectors[0].vector_bytes
            asked = np.frombuffer(data, "<f4")
            found = sorted(((n, p, v, 1 - float(np.dot(asked, v))) for n, p, v, _ in found), key=lambda f: f[3])
        if request.after:
            found = [f for f in found if f[0] > request.after]
        return search_get_pb2.SearchReply(took=0.1, results=[_result(*f) for f in found[: request.limit or 100]])


def _named(filters: Any) -> Iterator[str]:
    """The texts that a tree of filters compares with."""
    yield from (filters.value_text, *filters.value_text_array.values)
    for part in filters.filters:
        yield from _named(part)


def _result(number: str, properties: dict[str, Any], vector: list[float], distance: float | None) -> Any:
    fields = {}
    for name, value in properties.items():
        if isinstance(value, list):
            fields[name] = properties_pb2.Value(
                list_value=properties_pb2.ListValue(text_values=properties_pb2.TextValues(values=value))
            )
        else:
            fields[name] = properties_pb2.Value(text_value=value)
    data = struct.pack(f"<{len(vector)}f", *vector)
    return search_get_pb2.SearchResult(
        properties=search_get_pb2.PropertiesResult(non_ref_props=properties_pb2.Properties(fields=fields)),
        metadata=search_get_pb2.MetadataResult(
            id=number,
            id_as_bytes=uuid.UUID(number).bytes,
            creation_time_unix=1_700_000_000_000,
            creation_time_unix_present=True,
            last_update_time_unix=1_700_000_000_000,
            last_update_time_unix_present=True,
            distance=distance or 0.0,
            distance_present=distance is not None,
            vectors=[base_pb2.Vectors(name="default", vector_bytes=data)],
        ),
    )
