"""What a Celery worker of the house loads: `celery -A cyberpi_assets.orchestration.celery_app worker -Q cyberpi -c 1`.

Here belongs the registration of tasks alone. What a worker does with a run is in `celery_runs.py`, the settings that
make it survivable in `cluster.py`. The definitions are loaded once, before the worker forks: a run then starts warm.
"""

from __future__ import annotations

from typing import Any

from celery.result import allow_join_result
from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_task

from cyberpi_assets.orchestration.celery_runs import EXECUTE, RESUME, work_on
from cyberpi_assets.orchestration.cluster import celery_settings
from cyberpi_assets.settings import Settings

_settings = Settings()  # pyright: ignore[reportCallIssue]
if _settings.broker_url is None or _settings.postgres_url is None:
    raise SystemExit(
        "cyberpi: a worker needs its broker and Dagster's history: CYBERPI_BROKER_URL, CYBERPI_POSTGRES_URL"
    )
_broker, _history = _settings.broker_url.get_secret_value(), _settings.postgres_url.get_secret_value()

app = make_app(
    {
        "broker": _broker,
        "backend": _broker,
        "include": ["cyberpi_assets.definitions"],
        "config_source": celery_settings(_settings.cluster),
    }
)
execute_plan = create_task(app)


@app.task(name=EXECUTE, track_started=True)  # pyright: ignore[reportUntypedFunctionDecorator]
def execute_run(run_id: str) -> int:
    """Work on a run that was launched."""
    with allow_join_result():  # of its steps, where these go to workers too; to others, so nobody waits for himself
        return work_on(_history, run_id, counted=False)


@app.task(bind=True, name=RESUME, track_started=True)  # pyright: ignore[reportUntypedFunctionDecorator]
def resume_run(self: Any, run_id: str) -> int:
    """Work on a run that the monitor asks to resume, which it has counted: once, however often this is handed out."""
    again = bool((self.request.delivery_info or {}).get("redelivered"))
    with allow_join_result():
        return work_on(_history, run_id, counted=not again)
