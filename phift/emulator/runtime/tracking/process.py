"""MLflow's own tracking server on a unix socket: `python -m ...tracking.process SOCKET DATABASE ARTIFACTS`.

One route is added to MLflow's: `POST /phift/runs` makes a run with a given id. Azure names a job's MLflow run after
the job, and MLflow's own API does not let its caller choose.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

from phift.emulator.runtime.child import watch_lifeline
from phift.startup import importing

__all__ = ["RUNS_PATH", "experiment_id"]

RUNS_PATH = "/phift/runs"


def _make_run(body: dict[str, Any]) -> str:
    """Make the run unless it exists; returns its experiment's id.

    body: run_id, experiment (a name, made when it is new), name, start_time (ms since the epoch), tags.
    """
    from mlflow.entities import LifecycleStage, RunStatus, SourceType
    from mlflow.server.handlers import _get_tracking_store
    from mlflow.store.tracking.dbmodels.models import SqlRun, SqlTag
    from mlflow.utils.uri import append_to_uri_path

    store = _get_tracking_store()
    identifier = experiment_id(store, body["experiment"])
    location = store.get_experiment(identifier).artifact_location
    with store.ManagedSessionMaker(read_only=False) as session:
        if session.get(SqlRun, body["run_id"]) is None:
            run = SqlRun(
                run_uuid=body["run_id"],
                name=body["name"],
                experiment_id=int(identifier),
                artifact_uri=append_to_uri_path(location, body["run_id"], "artifacts"),
                source_type=SourceType.to_string(SourceType.JOB),
                source_name="",
                source_version="",
                entry_point_name="",
                user_id="",
                status=RunStatus.to_string(RunStatus.SCHEDULED),
                start_time=body["start_time"],
                lifecycle_stage=LifecycleStage.ACTIVE,
            )
            tags = {**body["tags"], "mlflow.runName": body["name"]}
            run.tags = [SqlTag(key=key, value=value) for key, value in tags.items()]
            session.add(run)
    return str(identifier)


def experiment_id(store: Any, name: str) -> str:
    """The id of an experiment, which is made unless it exists."""
    from mlflow.exceptions import MlflowException

    if (found := store.get_experiment_by_name(name)) is not None:
        return str(found.experiment_id)
    try:
        return str(store.create_experiment(name))
    except MlflowException:
        # steps that start at the same time, and their scripts, make the same experiment
        if (found := store.get_experiment_by_name(name)) is None:
            raise
        return str(found.experiment_id)


def _application() -> Any:
    """MLflow's ASGI application with our route before it."""
    from mlflow.server.fastapi_app import app as mlflow_app
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import JSONResponse

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == RUNS_PATH:
            experiment = await run_in_threadpool(_make_run, await Request(scope, receive).json())
            await JSONResponse({"experiment_id": experiment})(scope, receive, send)
        else:
            await mlflow_app(scope, receive, send)

    return application


def main() -> None:
    watch_lifeline()
    path, database, artifacts = sys.argv[1:4]
    # MLflow's server reads its settings from these when it is imported; they are private to MLflow, hence the pin
    os.environ |= {
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{database}",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": artifacts,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "ERROR",
    }
    with importing():
        import uvicorn

        application = _application()
    # h11 answers HTTP/1.0 without chunks, which is what our side of the socket speaks
    config = uvicorn.Config(application, http="h11", log_level="warning", access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[_listener(path)])


def _listener(path: str) -> socket.socket:
    """Bound here, as uvicorn would open it to all users."""
    listener = socket.socket(socket.AF_UNIX)
    former = os.umask(0o077)
    try:
        listener.bind(path)
    finally:
        os.umask(former)
    listener.listen(2048)
    return listener


if __name__ == "__main__":
    main()
