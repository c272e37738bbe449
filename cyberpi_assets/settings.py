"""The only reader of the environment: profile, paths, URLs and thresholds, from CYBERPI_* variables.

Everything that a person may configure belongs here, with its default and its unit. Nothing here touches a disk, a
network or a clock.
"""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, Field, SecretStr, model_validator
from pydantic_core import to_jsonable_python
from pydantic_settings import BaseSettings, SettingsConfigDict

from cyberpi_assets.rules.asking import (
    LiveRules,
    LlmRules,
    MarketRules,
    NewsRules,
    OcrRules,
)
from cyberpi_assets.rules.figures import (
    AlertLifeRules,
    AlertThresholds,
    BacktestRules,
    EvidenceRules,
    OptionRules,
    QualityRules,
    RankingRules,
    SignalRules,
    ThreatRules,
    TimingRules,
)
from cyberpi_assets.rules.running import (
    ClusterRules,
    ConcurrencyRules,
    HighwayRules,
    MemoryRules,
    NotifyRules,
    S3Rules,
    StoreRules,
)


class Profile(StrEnum):
    """Where facts come from."""

    DEMO = "demo"
    FILES = "files"
    LIVE = "live"


def _without_secrets(value: Any) -> Any:
    """A value of a setting as JSON has it, without secrets and without lists and groups that are nothing else."""
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, SecretStr) or value is None:
        return None
    if isinstance(value, dict):
        named = {name: _without_secrets(v) for name, v in cast(dict[str, Any], value).items()}
        return {name: v for name, v in named.items() if v is not None}
    if isinstance(value, list | tuple) and any(isinstance(v, SecretStr) for v in cast(list[Any], value)):
        return None
    return to_jsonable_python(value)


def _project_root() -> Path:
    """The folder that holds dagster.yaml: the checkout, or else the working directory."""
    checkout = Path(__file__).resolve().parent.parent
    return checkout if (checkout / "dagster.yaml").exists() else Path.cwd()


class Settings(BaseSettings):
    """What a person may configure, from CYBERPI_* variables; nested values as CYBERPI_ALERTS__VOLUME_RATIO."""

    model_config = SettingsConfigDict(
        env_prefix="CYBERPI_",
        env_nested_delimiter="__",
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,  # it may hold a password
    )

    profile: Profile = Profile.DEMO
    data: Path | None = Field(
        None, description="folder of bulk files: for profile files, and beside the sites for live"
    )
    home: Path = Field(default_factory=_project_root, description="folder that holds dagster.yaml and data/")
    store: Path | None = Field(None, description="where everything is kept; default <home>/data/<profile>")
    watchlist: Path | None = Field(None, description="the lists of watched names; default <home>/data/watchlist.csv")
    universe: Literal["watchlist", "top_traded", "both", "file"] = Field(
        "both", description="what is watched: the lists, the officials' most traded, both, or the file named"
    )
    universe_file: Path | None = Field(None, description="for universe file: symbols, one a line, or a list as above")
    demo_seed: int = Field(20230103, description="another seed gives another world")
    demo_months: tuple[str, str] = Field(
        ("2023-01", "2025-12"), description="first and last month of the simulated world"
    )
    redis_url: SecretStr | None = Field(None, description="a Redis server in place of the embedded one")
    neo4j_url: SecretStr | None = Field(None, description="a Neo4j server in place of the embedded graph")
    neo4j_password: SecretStr | None = Field(None, description="password for it")
    weaviate_url: SecretStr | None = Field(None, description="a Weaviate server in place of the embedded vectors")
    weaviate_key: SecretStr | None = Field(None, description="API key for it")
    taxii_user: str | None = Field(None, description="user name for the TAXII server that exports are pushed to")
    taxii_password: SecretStr | None = Field(None, description="password for it")
    lake_url: str | None = Field(
        None, pattern=r"^s3://[^/\s@]+(/\S*)?$", description="s3://bucket/prefix for the tables in place of the store"
    )
    s3_key: SecretStr | None = Field(None, description="access key for it")
    s3_secret: SecretStr | None = Field(None, description="secret key for it")
    postgres_url: SecretStr | None = Field(None, description="Dagster's history in Postgres in place of SQLite")
    broker_url: SecretStr | None = Field(None, description="Redis through which Celery's workers get runs")
    scratch: Path | None = Field(None, description="fast local folder for what does not fit memory; default: the store")
    market_symbol: str | None = Field(None, description="the fund that stands for the market; SPY, in the demo ZZIDX")
    duckdb_memory_limit: str = "2GB"
    duckdb_threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    max_file_bytes: int = Field(4 * 2**30, gt=0, description="a larger source file is reported, not read")
    alerts: AlertThresholds = AlertThresholds()  # pyright: ignore[reportCallIssue]
    timing: TimingRules = TimingRules()  # pyright: ignore[reportCallIssue]
    rankings: RankingRules = RankingRules()  # pyright: ignore[reportCallIssue]
    live: LiveRules = LiveRules()  # pyright: ignore[reportCallIssue]
    news: NewsRules = NewsRules()  # pyright: ignore[reportCallIssue]
    evidence: EvidenceRules = EvidenceRules()  # pyright: ignore[reportCallIssue]
    backtest: BacktestRules = BacktestRules()  # pyright: ignore[reportCallIssue]
    market: MarketRules = MarketRules()  # pyright: ignore[reportCallIssue]
    options: OptionRules = OptionRules()  # pyright: ignore[reportCallIssue]
    threats: ThreatRules = ThreatRules()  # pyright: ignore[reportCallIssue]

    alert_life: AlertLifeRules = AlertLifeRules()  # pyright: ignore[reportCallIssue]
    signals: SignalRules = SignalRules()  # pyright: ignore[reportCallIssue]
    memory: MemoryRules = MemoryRules()  # pyright: ignore[reportCallIssue]
    llm: LlmRules = LlmRules()  # pyright: ignore[reportCallIssue]
    ocr: OcrRules = OcrRules()  # pyright: ignore[reportCallIssue]
    quality: QualityRules = QualityRules()  # pyright: ignore[reportCallIssue]
    highway: HighwayRules = HighwayRules()  # pyright: ignore[reportCallIssue]
    stores: StoreRules = StoreRules()  # pyright: ignore[reportCallIssue]
    notify: NotifyRules = NotifyRules()  # pyright: ignore[reportCallIssue]
    concurrency: ConcurrencyRules = ConcurrencyRules()  # pyright: ignore[reportCallIssue]
    s3: S3Rules = S3Rules()  # pyright: ignore[reportCallIssue]
    cluster: ClusterRules = ClusterRules()  # pyright: ignore[reportCallIssue]

    @model_validator(mode="after")
    def _files_need_a_folder(self) -> Settings:
        if self.profile is Profile.FILES and self.data is None:
            raise ValueError("profile files needs a folder: set CYBERPI_DATA (make run PROFILE=files DATA=<folder>)")
        return self

    @model_validator(mode="after")
    def _a_universe_of_a_file_needs_one(self) -> Settings:
        if self.universe == "file" and self.universe_file is None:
            raise ValueError("universe file needs a file: set CYBERPI_UNIVERSE_FILE")
        return self

    @model_validator(mode="after")
    def _leaving_one_machine_needs_servers(self) -> Settings:
        chosen = {self.cluster.launcher, self.cluster.executor}
        if (self.s3_key is None) != (self.s3_secret is None):
            raise ValueError("an S3 key and its secret come together: CYBERPI_S3_KEY, CYBERPI_S3_SECRET")
        if "celery" in chosen and self.broker_url is None:
            raise ValueError("Celery needs a broker: set CYBERPI_BROKER_URL to redis://...")
        if chosen & {"celery", "k8s"} and self.postgres_url is None:
            raise ValueError("several machines need one history: set CYBERPI_POSTGRES_URL")
        if self.cluster.executor == "k8s" and self.cluster.launcher != "k8s":
            raise ValueError("steps in pods need runs in Kubernetes: set CYBERPI_CLUSTER__LAUNCHER=k8s")
        url = "" if self.postgres_url is None else self.postgres_url.get_secret_value()
        if self.postgres_url is not None and not url.startswith("postgresql+psycopg2://"):
            raise ValueError("CYBERPI_POSTGRES_URL begins with postgresql+psycopg2://, the driver that is installed")
        return self

    @property
    def watchlist_path(self) -> Path | None:
        """The lists of watched names; in the demo only where a person names one, for its world has names of its own."""
        if self.watchlist is not None or self.profile is Profile.DEMO:
            return self.watchlist
        return self.home / "data" / "watchlist.csv"

    @property
    def data_dir(self) -> Path:
        """Everything this profile keeps: lake, intake, reports, warehouse, Redis."""
        return (self.store or self.home / "data" / self.profile.value).absolute()

    @property
    def market_ticker(self) -> str:
        """The fund against whose returns others are abnormal."""
        return self.market_symbol or ("ZZIDX" if self.profile is Profile.DEMO else "SPY")

    @property
    def dagster_dir(self) -> Path:
        """Dagster's history: beside the profiles for the demo, where `dagster dev` by hand finds it too."""
        if self.profile is Profile.DEMO and self.store is None:
            return (self.home / "data" / "dagster").absolute()
        return self.data_dir / "dagster"

    @property
    def lake_dir(self) -> Path:
        """The Delta tables."""
        return self.data_dir / "lake"

    @property
    def lake_root(self) -> Path | str:
        """Where the tables are: a folder, or the URL of object storage."""
        return self.lake_url or self.lake_dir

    @property
    def lake_options(self) -> dict[str, str] | None:
        """What delta-rs needs to reach object storage; holds the keys. None for a folder."""
        if self.lake_url is None:
            return None
        options = {"AWS_REGION": self.s3.region}
        if self.s3.conditional_put == "etag":
            options["AWS_CONDITIONAL_PUT"] = "etag"
        else:
            options["AWS_S3_ALLOW_UNSAFE_RENAME"] = "true"
        if self.s3.endpoint is not None:
            options["AWS_ENDPOINT_URL"] = self.s3.endpoint
            options["AWS_ALLOW_HTTP"] = str(self.s3.endpoint.startswith("http://")).lower()
        if self.s3_key is not None and self.s3_secret is not None:
            options["AWS_ACCESS_KEY_ID"] = self.s3_key.get_secret_value()
            options["AWS_SECRET_ACCESS_KEY"] = self.s3_secret.get_secret_value()
        return options

    @property
    def spill_dir(self) -> Path:
        """Where DuckDB puts what does not fit memory: a disk of this machine."""
        return self.data_dir / "spill" if self.scratch is None else self.scratch.absolute()

    @property
    def intake_dir(self) -> Path:
        """What was read from sources, normalised, one folder per source file."""
        return self.data_dir / "intake"

    @property
    def sweeps_dir(self) -> Path:
        """What market providers were asked, one folder per sweep."""
        return self.data_dir / "sweeps"

    @property
    def fetched_dir(self) -> Path:
        """What profile live fetched, as served: the provenance of its figures, kept when all else is made anew."""
        return self.data_dir / "fetched"

    @property
    def bars_dir(self) -> Path:
        """Daily bars of watched names, as a market provider gave them."""
        return self.data_dir / "bars"

    @property
    def reports_dir(self) -> Path:
        """Reports for people."""
        return self.data_dir / "reports"

    @property
    def threats_dir(self) -> Path:
        """Threats of the newest sweeps, as JSON files for other tools."""
        return self.data_dir / "financial_threats"

    @property
    def graph_dir(self) -> Path:
        """The embedded graph."""
        return self.data_dir / "graph"

    @property
    def vectors_dir(self) -> Path:
        """The embedded vectors."""
        return self.data_dir / "vectors"

    @property
    def incoming_dir(self) -> Path:
        """Where new files arrive: the folder of bulk files, else data/incoming."""
        return (self.data or self.home / "data" / "incoming").absolute()

    @property
    def warehouse_path(self) -> Path:
        """The published DuckDB file."""
        return self.data_dir / "warehouse.duckdb"

    def as_environment(self) -> dict[str, str]:
        """These settings as CYBERPI_* variables, for a process that is to have the same; no secrets."""
        plain = cast(dict[str, Any], _without_secrets(self))
        return {
            f"CYBERPI_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
            for name, value in plain.items()
        }
