"""Rules of running: memory that others read, the highway and its stores, notices, what runs at once, a cluster."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import NoDecode


class MemoryRules(BaseModel):
    """What goes into the working memory."""

    model_config = ConfigDict(frozen=True)

    push_score: int = Field(70, ge=1, le=100, description="seed score from which a threat is pushed")
    sweep_minutes: int = Field(30, ge=1, description="snapshots within so many minutes of the newest are one sweep")


class HighwayRules(BaseModel):
    """How threat items travel through Redis to the stores (docs/storage.md, highway)."""

    model_config = ConfigDict(frozen=True)

    publish_days: int = Field(
        30, ge=1, description="items that became known longer before the newest are not published"
    )
    max_lag: int = Field(1_000_000, ge=1, description="entries no worker has taken, beyond which nothing is published")
    batch: int = Field(1_000, ge=1, le=5_000, description="entries a worker takes and stores at once")
    claim_idle_seconds: float = Field(
        60.0, gt=0, description="silence after which the entries of a worker are another's"
    )
    max_deliveries: int = Field(5, ge=2, description="how often an entry is handed out before it is a dead letter")
    heartbeat_seconds: float = Field(10.0, gt=0, description="a worker says so often that it lives")
    foreign_consumers: tuple[Literal["weaviate", "neo4j", "alerts"], ...] = Field(
        (), description="queues whose list belongs to consumers of another platform: ours are pushed there as well"
    )


class NotifyRules(BaseModel):
    """Who is told of alerts, warnings and failed runs, through Apprise; without an address nobody is."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    urls: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Apprise addresses, a blank between; they hold passwords and tokens and go nowhere else"
    )
    min_severity: Literal["low", "medium", "high", "critical"] = Field(
        "high", description="least severity told of; of warnings P0 is critical, P1 high, P2 medium, P3 low"
    )
    most: int = Field(20, ge=1, le=500, description="messages of one look; what is due beyond is told in one more")
    tries: int = Field(5, ge=1, le=50, description="attempts to send a message that no service took")
    timeout_seconds: float = Field(15.0, gt=0, le=120, description="longest wait for one service")

    @field_validator("urls", mode="before")
    @classmethod
    def _addresses(cls, given: Any) -> Any:
        """A list, its JSON, or addresses with blanks or new lines between."""
        if not isinstance(given, str):
            return given
        if not given.lstrip().startswith("["):
            return tuple(given.split())
        try:
            return tuple(json.loads(given))
        except ValueError:  # its words would hold what was given
            raise ValueError("neither JSON nor addresses with blanks between") from None


class ConcurrencyRules(BaseModel):
    """How much runs at once: slots of each pool, over all runs of an instance, and runs that Dagster launches."""

    model_config = ConfigDict(frozen=True)

    gpu: int = Field(1, ge=1, description="steps at once that ask a model on a GPU")
    yahoo: int = Field(1, ge=1, description="runs at once that ask Yahoo")
    ibkr: int = Field(1, ge=1, description="runs at once that ask IBKR")
    sec: int = Field(1, ge=1, description="runs at once that ask the SEC")
    filings: int = Field(1, ge=1, description="runs at once that ask the House and the Senate")
    runs: int = Field(3, ge=1, description="runs at once that Dagster launches; a run of the terminal does not wait")
    backfills: int = Field(2, ge=1, description="of these, runs of backfills")

    @property
    def pools(self) -> dict[str, int]:
        """Slots by pool."""
        return {name: getattr(self, name) for name in ("gpu", "yahoo", "ibkr", "sec", "filings")}


class StoreRules(BaseModel):
    """Which graph and which vectors, and who embeds texts. Without a URL both are files under the data folder."""

    model_config = ConfigDict(frozen=True)

    neo4j_user: str = Field("neo4j", description="user of the Neo4j server")
    neo4j_database: str | None = Field(None, description="database of that server; none: its default")
    weaviate_grpc_port: int = Field(50051, ge=1, le=65535, description="where that Weaviate server speaks gRPC")
    collection: str = Field("CyberpiThreat", pattern=r"^[A-Z][A-Za-z0-9_]{0,60}$", description="collection in Weaviate")
    embeddings: Literal["lexical", "ollama"] = Field(
        "lexical", description="lexical: hashed words, offline; ollama: meanings, by a model of that server"
    )
    model: str = Field("nomic-embed-text", description="embedding model of the Ollama server")
    wait_seconds: float = Field(60.0, ge=0, description="how long an asset waits for a store that a worker holds")


class S3Rules(BaseModel):
    """How object storage is reached. Without keys, delta-rs finds credentials as AWS' own tools do (role, AWS_*)."""

    model_config = ConfigDict(frozen=True)

    endpoint: str | None = Field(
        None, pattern=r"^https?://\S+$", description="address of an S3-compatible server; none: Amazon's"
    )
    region: str = Field("us-east-1", description="region of the bucket; other servers want some name")
    conditional_put: Literal["etag", "disabled"] = Field(
        "etag", description="how a commit sees that another came first; disabled: only where one process writes"
    )


class ClusterRules(BaseModel):
    """Who runs what the web interface and schedules launch (docs/cluster.md)."""

    model_config = ConfigDict(frozen=True)

    launcher: Literal["local", "celery", "k8s"] = Field(
        "local", description="local: processes of this machine; celery: workers; k8s: a Kubernetes job for each run"
    )
    executor: Literal["in_process", "celery", "k8s"] = Field(
        "in_process", description="where the steps of a run go: all in its process, or each to a worker or a pod"
    )
    queue: str = Field("cyberpi", pattern=r"^[a-z][a-z0-9_-]{0,40}$", description="queue of runs that ask for none")
    step_queue: str = Field(
        "steps", pattern=r"^[a-z][a-z0-9_-]{0,40}$", description="queue of steps; not that of runs, which wait for them"
    )
    longest_run_seconds: int = Field(
        7_200, ge=1, description="a run that lasts longer is ended; a message is given to another worker after it"
    )
    resumes: int = Field(3, ge=0, description="how often a run goes on after its worker has died")
    months_per_run: int | None = Field(
        None, ge=1, description="months in one run of a backfill spread over workers; none: a share for each of eight"
    )
    logs_bucket: str | None = Field(None, description="bucket of the steps' output; none: on disk")
    logs_prefix: str = Field("logs", description="what its keys begin with")
