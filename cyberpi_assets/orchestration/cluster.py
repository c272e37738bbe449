"""Leaving one machine: what the settings change in Dagster's instance, and where the steps of a run go.

Here belongs configuration alone. How a worker takes a run, and how its death is noticed, is in `celery_runs.py`; how a
backfill is cut into runs is in `spread.py`. No secret is written into a dagster.yaml: it names the variable.

The libraries of the extra `cluster` are imported where they are chosen, so that one machine needs none of them.
"""

from __future__ import annotations

from typing import Any, Final

import dagster as dg

from cyberpi_assets.rules.running import ClusterRules
from cyberpi_assets.settings import Settings

_POSTGRES, _BROKER = {"env": "CYBERPI_POSTGRES_URL"}, {"env": "CYBERPI_BROKER_URL"}
GRACE_SECONDS: Final = 600  # a message is given to another worker only when the run must have been ended before
_NOTICED_SECONDS = 30  # how often it is asked whether the worker of a run lives


def celery_settings(rules: ClusterRules) -> dict[str, Any]:
    """What makes a run survive its worker; the launcher, the executor and the workers must have the same.

    A message is acknowledged when its run has ended, so that a killed worker's run is handed out again: at once where
    the worker has lost a child, after `visibility_timeout` where the worker itself is gone. One message at a time, so
    that a worker holds none that it has not begun.
    """
    return {
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "broker_transport_options": {"visibility_timeout": rules.longest_run_seconds + GRACE_SECONDS},
        "broker_connection_retry_on_startup": True,
        "result_expires": 2 * (rules.longest_run_seconds + GRACE_SECONDS),
        "worker_redirect_stdouts": False,  # Dagster keeps the output of steps itself
        "worker_hijack_root_logger": False,
    }


def sections(settings: Settings) -> dict[str, Any]:
    """The sections of dagster.yaml that take the place of those for one machine; none for one machine."""
    rules, found = settings.cluster, dict[str, Any]()
    if settings.postgres_url is not None:
        found["storage"] = {"postgres": {"postgres_url": _POSTGRES}}
    if rules.logs_bucket is not None:
        logs: dict[str, Any] = {"bucket": rules.logs_bucket, "prefix": rules.logs_prefix, "skip_empty_files": True}
        if settings.s3.endpoint is not None:
            logs["endpoint_url"] = settings.s3.endpoint
        found["compute_logs"] = {
            "module": "dagster_aws.s3.compute_log_manager",
            "class": "S3ComputeLogManager",
            "config": logs | {"local_dir": str(settings.spill_dir)},
        }
    if rules.launcher == "celery":
        found["run_launcher"] = {
            "module": "cyberpi_assets.orchestration.celery_runs",
            "class": "HouseCeleryLauncher",
            "config": {
                "broker": _BROKER,
                "backend": _BROKER,
                "default_queue": rules.queue,
                "config_source": celery_settings(rules),
            },
        }
    elif rules.launcher == "k8s":
        found["run_launcher"] = {
            "module": "dagster_k8s",
            "class": "K8sRunLauncher",
            "config": {
                "instance_config_map": {"env": "CYBERPI_K8S_CONFIG_MAP"},
                "service_account_name": {"env": "CYBERPI_K8S_SERVICE_ACCOUNT"},
                "job_namespace": {"env": "CYBERPI_K8S_NAMESPACE"},
                "job_image": {"env": "CYBERPI_K8S_IMAGE"},
            },
        }
    if rules.launcher != "local":
        found["run_monitoring"] = {
            "enabled": True,
            # a run in the queue of the workers counts as starting: it may wait as long as a run may last
            "start_timeout_seconds": rules.longest_run_seconds,
            "max_runtime_seconds": rules.longest_run_seconds,
            "max_resume_run_attempts": rules.resumes,
            "poll_interval_seconds": _NOTICED_SECONDS,
            "free_slots_after_run_end_seconds": 300,
        }
        # only runs that crashed: whether a step may be tried again, its own policy says
        found["run_retries"] = {"enabled": True, "max_retries": 1, "retry_on_asset_or_op_failure": False}
    return found


def executor_of(settings: Settings) -> dg.ExecutorDefinition:
    """Where the steps of a run go."""
    rules = settings.cluster
    if rules.executor == "celery":
        from dagster_celery import celery_executor

        config = celery_settings(rules) | {"task_default_queue": rules.step_queue}
        return celery_executor.configured({"broker": _BROKER, "backend": _BROKER, "config_source": config})
    if rules.executor == "k8s":
        from dagster_k8s import k8s_job_executor

        return k8s_job_executor
    return dg.in_process_executor
