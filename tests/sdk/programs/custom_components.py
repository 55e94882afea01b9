"""Custom command components with azure-ai-ml: a command job, a pipeline of three steps, and a sweep.

Run by `phift emulator run -- python custom_components.py` in a folder with config.json. Each part prints one line of
JSON, as `tests/sdk/test_programs.py` reads it.
"""

import json
import logging
from pathlib import Path
from typing import Any

from azure.ai.ml import Input, MLClient, Output, command, dsl, load_component
from azure.ai.ml.entities import Model
from azure.ai.ml.exceptions import JobException
from azure.ai.ml.sweep import Choice
from azure.identity import DefaultAzureCredential

ENVIRONMENT = "azureml://registries/azureml/environments/sklearn-1.5/labels/latest"
SOURCE = {
    "prepare.py": """
import argparse, pathlib
parser = argparse.ArgumentParser()
for name in ("--raw", "--rows", "--out"):
    parser.add_argument(name)
given = parser.parse_args()
lines = pathlib.Path(given.raw).read_text().splitlines()[: int(given.rows)]
pathlib.Path(given.out, "rows.txt").write_text("\\n".join(lines))
print("prepared", len(lines))
""",
    "train.py": """
import json, pathlib, sys
import mlflow
data, rate, out = sys.argv[1:4]
rows = pathlib.Path(data, "rows.txt").read_text().splitlines()
mlflow.log_metric("accuracy", len(rows) * float(rate))
pathlib.Path(out, "model.json").write_text(json.dumps({"rows": len(rows), "rate": float(rate)}))
print("trained on", len(rows))
""",
    "score.py": """
import pathlib, sys
text = pathlib.Path(sys.argv[1], "model.json").read_text()
pathlib.Path("outputs").mkdir()
pathlib.Path("outputs", "report.txt").write_text("scored " + text)
print("scored")
""",
}
SCORE = """
$schema: https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json
type: command
name: score
version: "1"
inputs:
  model: {type: custom_model}
code: ./src
environment: ENVIRONMENT
command: python score.py ${{inputs.model}}
"""


def tell(cell: str, **found: Any) -> None:
    print(json.dumps({"cell": cell, **found}), flush=True)


def main() -> None:
    logging.disable(logging.CRITICAL)
    client = MLClient.from_config(DefaultAzureCredential())
    folder = Path("src")
    folder.mkdir(exist_ok=True)
    for name, text in SOURCE.items():
        (folder / name).write_text(text)
    Path("raw.txt").write_text("\n".join(f"row {number}" for number in range(9)))
    Path("score.yml").write_text(SCORE.replace("ENVIRONMENT", ENVIRONMENT))

    # a command job
    raw = Input(type="uri_file", path="raw.txt")
    job = command(
        code="src",
        command="python prepare.py --raw ${{inputs.raw}} --rows ${{inputs.rows}} --out ${{outputs.out}}",
        environment=ENVIRONMENT,
        inputs={"raw": raw, "rows": 4},
        outputs={"out": Output(type="uri_folder")},
        environment_variables={"SEED": "1"},
        timeout=600,
    )
    job.name = "a-command"
    client.jobs.create_or_update(job)
    client.jobs.stream("a-command")
    client.jobs.download("a-command", download_path="got-command")
    client.jobs.download("a-command", download_path="got-command", output_name="out")
    got = sorted(path.name for path in Path("got-command").rglob("*") if path.is_file())
    tell("command", status=client.jobs.get("a-command").status, files=got)

    # a pipeline of an anonymous component, one that is written in place, and one that is registered from YAML
    prepare = command(
        name="prepare",
        code="src",
        command="python prepare.py --raw ${{inputs.raw}} --rows ${{inputs.rows}} --out ${{outputs.out}}",
        environment=ENVIRONMENT,
        inputs={"raw": Input(type="uri_file"), "rows": Input(type="integer", default=3)},
        outputs={"out": Output(type="uri_folder")},
    )
    train = command(
        name="train",
        code="src",
        command="python train.py ${{inputs.data}} ${{inputs.rate}} ${{outputs.model}}",
        environment=ENVIRONMENT,
        inputs={"data": Input(type="uri_folder"), "rate": Input(type="number")},
        outputs={"model": Output(type="custom_model")},
    )
    score = client.components.create_or_update(load_component("score.yml"))

    @dsl.pipeline(default_compute="serverless")
    def three_steps(raw: Input(type="uri_file"), rate: float):
        prepared = prepare(raw=raw)
        trained = train(data=prepared.outputs.out, rate=rate)
        score(model=trained.outputs.model)
        return {"model": trained.outputs.model}

    def run(name: str) -> None:
        built = three_steps(raw=raw, rate=0.5)
        built.name = name
        client.jobs.create_or_update(built)
        planned = sorted(child.display_name for child in client.jobs.list(parent_job_name=name))
        client.jobs.stream(name)
        children = {child.display_name: child for child in client.jobs.list(parent_job_name=name)}
        reused = sorted(key for key, child in children.items() if child.properties.get("azureml.isreused"))
        client.jobs.download(children["score"].name, download_path=f"got-{name}")
        report = next(Path(f"got-{name}").rglob("report.txt"), None)
        tell(
            name,
            planned=planned,
            status=client.jobs.get(name).status,
            children={key: child.status for key, child in sorted(children.items())},
            reused=reused,
            report=report.read_text() if report else "",
        )

    run("three-steps")
    run("three-steps-again")
    client.jobs.download("three-steps", download_path="got-model", output_name="model")
    model = client.models.create_or_update(
        Model(name="of-steps", type="custom_model", path="azureml://jobs/three-steps/outputs/model")
    )
    tell("model", text=next(Path("got-model").rglob("model.json")).read_text(), version=model.version)

    # a sweep
    trial = command(
        code="src",
        command="python train.py ${{inputs.data}} ${{search_space.rate}} ${{outputs.model}}",
        environment=ENVIRONMENT,
        inputs={
            "data": Input(
                type="uri_folder", path="azureml://datastores/workspaceblobstore/paths/azureml/a-command/out"
            ),
            "rate": 0.1,
        },
        outputs={"model": Output(type="custom_model")},
    )
    swept = trial(rate=Choice([0.1, 0.9])).sweep(
        sampling_algorithm="grid", primary_metric="accuracy", goal="Maximize", compute="serverless"
    )
    swept.set_limits(max_total_trials=4, max_concurrent_trials=2, timeout=600)
    swept.name = "a-sweep"
    client.jobs.create_or_update(swept)
    client.jobs.stream("a-sweep")
    found = client.jobs.get("a-sweep")
    trials = {child.name: child.status for child in client.jobs.list(parent_job_name="a-sweep")}
    client.jobs.download("a-sweep", download_path="got-sweep", output_name="model")
    best = client.jobs.get(found.properties["best_child_run_id"])
    tell(
        "sweep",
        status=found.status,
        trials=trials,
        best=found.properties["best_child_run_id"],
        parent=best.type,
        model=next(Path("got-sweep").rglob("model.json")).read_text(),
    )

    # a job that fails, one that is cancelled
    failing = command(command="echo broken >&2; exit 5", environment=ENVIRONMENT)
    failing.name = "failing"
    client.jobs.create_or_update(failing)
    try:
        client.jobs.stream("failing")
        said = ""
    except JobException as error:
        said = str(error)
    endless = command(command="sleep 600", environment=ENVIRONMENT)
    endless.name = "endless"
    client.jobs.create_or_update(endless)
    client.jobs.begin_cancel("endless").result()
    tell(
        "ends", failed="status code 5" in said and "ExecutionFailed" in said, endless=client.jobs.get("endless").status
    )


if __name__ == "__main__":
    main()
