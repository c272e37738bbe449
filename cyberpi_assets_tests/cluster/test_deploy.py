"""The files of deploy/cluster: their form, what they agree on with the settings, and the proxy as it really runs.

Not here: containers, Kubernetes, a login provider.
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import threading
import tomllib
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
import yaml
from dagster._config import validate_config
from dagster._core.instance.config import dagster_instance_config
from dagster._core.instance.ref import InstanceRef
from dagster_k8s import K8sRunLauncher

from benchmarks.servers import free_port, wait_for
from cyberpi_assets.assets.analyses import GPU_TAGS
from cyberpi_assets.orchestration.celery_runs import HouseCeleryLauncher
from cyberpi_assets.orchestration.cluster import sections
from cyberpi_assets.orchestration.pools import queue_limits
from cyberpi_assets.settings import Settings

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "cluster"
EXAMPLE = {
    name: value
    for name, _, value in (
        line.partition("=") for line in (DEPLOY / "cluster.env.example").read_text().splitlines() if line[:1].isalpha()
    )
}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings that cluster.env.example gives to every container."""
    for name, value in EXAMPLE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CYBERPI_SCRATCH", "/scratch")
    return Settings()  # pyright: ignore[reportCallIssue]


def test_the_instance_is_what_dagster_accepts_and_what_the_settings_say(settings: Settings, tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "dagster.yaml", tmp_path / "dagster.yaml")
    found, _ = dagster_instance_config(str(tmp_path))  # raises for a section or a key that Dagster does not know
    wanted = sections(settings)
    assert {name: found[name] for name in wanted} == wanted
    assert found["concurrency"] == queue_limits(settings.concurrency)
    ref = InstanceRef.from_dir(str(tmp_path))
    launcher = ref.run_launcher
    assert isinstance(launcher, HouseCeleryLauncher)
    assert launcher.celery.conf.task_acks_late is True
    assert launcher.celery.conf.broker_transport_options["visibility_timeout"] > settings.cluster.longest_run_seconds
    assert ref.compute_log_manager is not None


def test_kubernetes_settings_are_what_its_launcher_accepts() -> None:
    of_k8s = Settings(  # pyright: ignore[reportCallIssue]
        postgres_url="postgresql+psycopg2://u@h/d",  # pyright: ignore[reportArgumentType]
        cluster={"launcher": "k8s", "executor": "k8s"},  # pyright: ignore[reportArgumentType]
    )
    launcher = sections(of_k8s)["run_launcher"]
    assert validate_config(K8sRunLauncher.config_type(), launcher["config"]).success
    asked = GPU_TAGS["dagster-k8s/config"]
    assert asked["container_config"]["resources"]["limits"] == {"nvidia.com/gpu": "1"}
    assert asked["pod_spec_config"]["node_selector"] == {"cyberpi/gpu": "true"}


def test_compose_names_only_what_there_is() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services: dict[str, Any] = compose["services"]
    for name, service in services.items():
        for other in service.get("depends_on", {}):
            assert other in services, (name, other)
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or source == "./tls" or (DEPLOY / source).is_file(), (name, source)
        for network in service["networks"]:
            assert network in compose["networks"]
    # nothing but the proxy is reachable from outside, and nothing has a host's Docker socket or privileges
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    assert "docker.sock" not in (DEPLOY / "compose.yaml").read_text()
    assert not any(service.get("privileged") for service in services.values())
    assert services["worker"]["deploy"]["replicas"] == 2
    assert "--queues=gpu" in services["worker-gpu"]["command"]
    assert "--read-only" in services["viewer"]["command"]
    assert "--read-only" not in services["web"]["command"]
    values = yaml.safe_load((DEPLOY / "helm-values.yaml").read_text())
    assert values["runLauncher"]["type"] == "K8sRunLauncher"
    assert values["dagsterWebserver"]["enableReadOnly"] is True
    assert yaml.safe_load((DEPLOY / "workspace.yaml").read_text())["load_from"][0]["grpc_server"]["host"] in services
    login = tomllib.loads((DEPLOY / "oauth2-proxy.cfg").read_text())
    assert login["cookie_secure"] is True


def test_no_file_holds_a_secret() -> None:
    for name, value in EXAMPLE.items():
        if any(word in name for word in ("PASSWORD", "SECRET", "KEY")) and not name.endswith(("KEY_ID", "S3_KEY")):
            assert value in ("", "CHANGE-ME"), name


# ------------------------------------------------------------------------------------------------------------ the proxy


class _Upstream(BaseHTTPRequestHandler):
    """Says which server was reached, how; the login knows one cookie, and a group by it."""

    name: ClassVar[str]

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        status, said = 200, {"server": self.name, "path": self.path, "body": body, "headers": dict(self.headers)}
        if self.name == "login" and self.path.startswith("/oauth2/auth"):
            groups = self.path.partition("allowed_groups=")[2].split(",")
            member = (self.headers.get("Cookie") or "").removeprefix("group=")
            status = 202 if member in groups else 403 if member else 401
        data = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_HEAD = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _substituted(text: str, pairs: dict[str, str]) -> str:
    for old, new in pairs.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The proxy of the deployment, with its own configuration but for ports and certificates; its address."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None or shutil.which("openssl") is None:
        if os.environ.get("CI"):
            pytest.fail("nginx and openssl are not installed (Debian: nginx-light)")
        pytest.skip("nginx and openssl are not installed: the proxy is not run")
    folder = tmp_path_factory.mktemp("proxy")
    upstreams: dict[str, ThreadingHTTPServer] = {}
    for name in ("web", "viewer", "login"):
        upstreams[name] = ThreadingHTTPServer(("127.0.0.1", 0), type(name, (_Upstream,), {"name": name}))
        threading.Thread(target=upstreams[name].serve_forever, daemon=True).start()
    at = {name: f"127.0.0.1:{server.server_address[1]}" for name, server in upstreams.items()}
    certificate = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=cyberpi.example.org", "-keyout", str(folder / "key"), "-out", str(folder / "crt")]  # noqa: E501  # fmt: skip
    subprocess.run(certificate, check=True, capture_output=True)
    port = free_port()
    changes = {
        "/tmp/": f"{folder}/",
        "server web:3000;": f"server {at['web']};",
        "server viewer:3000;": f"server {at['viewer']};",
        "server oauth2-proxy:4180;": f"server {at['login']};",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/nginx/tls/cyberpi.crt": str(folder / "crt"),
        "/etc/nginx/tls/cyberpi.key": str(folder / "key"),
    }
    config = folder / "nginx.conf"
    config.write_text(_substituted((DEPLOY / "nginx.conf").read_text(), changes))
    command = [program, "-c", str(config), "-p", str(folder), "-e", str(folder / "error.log"), "-g", "daemon off;"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:

        def answers() -> bool:
            assert server.poll() is None, server.stderr and server.stderr.read().decode()
            try:
                ssl.get_server_certificate(("127.0.0.1", port))
            except OSError:
                return False
            return True

        wait_for(answers, "nginx")
        yield f"https://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(15)
        for upstream in upstreams.values():
            upstream.shutdown()
            upstream.server_close()


class Browser:
    """Requests to the proxy as if under a name, with the cookie of a group."""

    def __init__(self, proxy: str, host: str, group: str | None) -> None:
        self.port = proxy.rpartition(":")[2]
        self.host = f"{host}:{self.port}"
        cookies = {} if group is None else {"Cookie": f"group={group}"}
        self.client = httpx.Client(base_url=proxy, verify=False, headers={"Host": self.host, **cookies}, timeout=10)

    @property
    def origin(self) -> str:
        return f"https://{self.host}"

    def post(self, path: str = "/graphql", **headers: str) -> httpx.Response:
        given = {"Content-Type": "application/json", "Origin": self.origin, "Sec-Fetch-Site": "same-origin"}
        chosen = {k: v for k, v in {**given, **{k.replace("_", "-"): v for k, v in headers.items()}}.items() if v}
        return self.client.post(path, content=b'{"query": "mutation { x }"}', headers=chosen)


@pytest.fixture(params=["cyberpi.example.org", "view.example.org"])
def browser(proxy: str, request: pytest.FixtureRequest) -> Browser:
    """An operator at either name: the same is refused at both."""
    return Browser(proxy, request.param, "cyberpi-operators")


def test_what_the_interface_itself_asks_passes(browser: Browser) -> None:
    answer = browser.post()
    assert answer.status_code == 200
    assert answer.json()["server"] == ("web" if browser.host.startswith("cyberpi") else "viewer")
    assert answer.json()["body"] == '{"query": "mutation { x }"}'
    assert browser.post(Content_Type="application/json; charset=utf-8").status_code == 200
    assert browser.post(Origin="", Sec_Fetch_Site="").status_code == 200  # a program that has logged in
    page = browser.client.get("/assets?q=1")
    assert (page.status_code, page.json()["path"]) == (200, "/assets?q=1")
    assert page.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://cyberpi.example.org.evil.example"},
        {"Origin": "http://cyberpi.example.org"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "https://evil.example", "Content_Type": "text/plain", "Sec_Fetch_Site": ""},
    ],
    ids=lambda h: "-".join(h.values()),
)
def test_what_a_foreign_page_sends_is_refused(browser: Browser, headers: dict[str, str]) -> None:
    assert browser.post(**headers).status_code == 403


def test_every_other_way_to_change_something_is_refused(browser: Browser) -> None:
    client = browser.client
    assert client.get("/graphql", params={"query": "mutation { x }"}).status_code == 405
    assert client.head("/graphql").status_code == 405
    assert client.options("/graphql", headers={"Origin": "https://evil.example"}).status_code == 405
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp"):  # fmt: skip # noqa: E501
        assert browser.post(Content_Type=kind).status_code == 415
    for path in ("/graphql/", "/GraphQL", "//graphql/x", "/report_asset_materialization/daily_bars"):
        assert browser.post(path).status_code in (403, 405), path
    assert client.get("/graphql/", params={"query": "mutation { x }"}).status_code == 403
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert client.request(method, "/assets", headers={"Origin": browser.origin}).status_code == 405


def test_a_socket_is_opened_by_the_own_page_alone(browser: Browser) -> None:
    def asked(origin: str | None) -> int:
        headers = {"Connection": "Upgrade", "Upgrade": "websocket", **({} if origin is None else {"Origin": origin})}
        return browser.client.get("/graphql", headers=headers).status_code

    assert asked(browser.origin) == 200  # the upstream here does not speak WebSocket; it was reached
    assert asked("https://evil.example") == 405
    assert asked(None) == 405


def test_only_who_has_logged_in_reaches_anything_and_viewers_do_not_reach_operators(proxy: str) -> None:
    nobody = Browser(proxy, "cyberpi.example.org", None)
    page = nobody.client.get("/runs?x=1")
    assert page.status_code == 302
    assert page.headers["Location"].endswith(f"/oauth2/start?rd=https://{nobody.host}/runs?x=1")
    assert nobody.post().status_code == 401
    viewer = Browser(proxy, "cyberpi.example.org", "cyberpi-viewers")
    assert viewer.post().status_code == 403
    assert viewer.client.get("/").status_code == 403
    looking = Browser(proxy, "view.example.org", "cyberpi-viewers")
    assert looking.post().json()["server"] == "viewer"
    assert Browser(proxy, "view.example.org", "others").post().status_code == 403
    assert Browser(proxy, "rebound.example.net", "cyberpi-operators").post().status_code == 421


def test_a_server_for_viewers_refuses_mutations(tmp_path: Path) -> None:
    """Dagster's own web server with --read-only, as the service `viewer` runs it, and without."""
    import dagster as dg
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import EmptyWorkspaceTarget
    from dagster_webserver.app import create_app_from_workspace_process_context
    from starlette.testclient import TestClient

    change = 'mutation { deletePipelineRun(runId: "none") { __typename } }'
    said: dict[bool, str] = {}
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        for read_only in (True, False):
            with WorkspaceProcessContext(instance, EmptyWorkspaceTarget(), read_only=read_only) as context:
                client = TestClient(create_app_from_workspace_process_context(context))
                answer = client.post("/graphql", json={"query": change}).json()
                said[read_only] = answer["data"]["deletePipelineRun"]["__typename"]
                assert "errors" not in client.post("/graphql", json={"query": "{ instance { id } }"}).json()
    assert said == {True: "UnauthorizedError", False: "RunNotFoundError"}
