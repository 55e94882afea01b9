"""A pipeline that is run by schedules, as Azure's documents do it. It knows nothing of phift.

Needs: config.json (MLClient.from_config) and train.jsonl in the working folder. Prints one JSON line a cell.
"""

import json
import time
from datetime import UTC, datetime, timedelta

from azure.ai.ml import Input, MLClient
from azure.ai.ml.constants import TimeZone
from azure.ai.ml.dsl import pipeline
from azure.ai.ml.entities import CronTrigger, JobSchedule, RecurrencePattern, RecurrenceTrigger
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential


def tell(cell, **values):
    print(json.dumps({"cell": cell, **values}, default=str), flush=True)


credential = DefaultAzureCredential()
client = MLClient.from_config(credential=credential)
registry = MLClient(credential, registry_name="azureml")

# the pipeline

component = registry.components.get("chat_completion_pipeline", label="latest")
model = registry.models.get("Phi-3-mini-4k-instruct", label="latest")


@pipeline(name="scheduled")
def train(label: str):
    node = component(
        mlflow_model_path=model.id,
        train_file_path=Input(type="uri_file", path="./train.jsonl"),
        compute_model_import="serverless",
        compute_preprocess="serverless",
        compute_finetune="serverless",
        instance_type_model_import="Standard_D12_v2",
        instance_type_preprocess="Standard_D12_v2",
        instance_type_finetune="Standard_NC24ads_A100_v4",
        number_of_gpu_to_use_finetuning=1,
        max_steps=1,
    )
    return {"trained_model": node.outputs.mlflow_model_folder}


job = train(label="${{creation_context.trigger_time}}")
job.settings.force_rerun = True
job.experiment_name = "scheduled"

# recurrence

soon = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=4)
trigger = RecurrenceTrigger(frequency="minute", interval=1, start_time=soon, time_zone=TimeZone.UTC)
created = client.schedules.begin_create_or_update(
    JobSchedule(name="minutely", trigger=trigger, create_job=job)
).result()
tell("created", enabled=created.is_enabled, state=created.provisioning_state, frequency=created.trigger.frequency)

deadline = time.monotonic() + 60
while not (jobs := [each for each in client.jobs.list() if each.name.startswith("minutely-")]):
    if time.monotonic() > deadline:
        raise TimeoutError("the schedule created no job")
    time.sleep(0.2)
found = client.jobs.get(jobs[0].name)
tell("run", name=found.name, display_name=found.display_name, label=found.inputs["label"]._data)

# trigger once, disable, enable, delete

once = client.schedules.trigger("minutely")
tell("triggered", action=once.schedule_action_type, job=client.jobs.get(once.job_name).name)
try:
    client.schedules.begin_delete("minutely").result()
except HttpResponseError as error:
    tell("refused", status=error.status_code)
disabled = client.schedules.begin_disable("minutely").result()
tell("disabled", enabled=disabled.is_enabled, listed=[each.name for each in client.schedules.list()])
enabled = client.schedules.begin_enable("minutely").result()
tell("enabled", enabled=enabled.is_enabled, listed=[each.name for each in client.schedules.list()])
client.schedules.begin_disable("minutely").result()

# cron, of a job that exists

pattern = RecurrencePattern(hours=[10, 22], minutes=[15], week_days=["monday", "friday"])
weekly = RecurrenceTrigger(frequency="week", interval=2, schedule=pattern)
kept = client.schedules.begin_create_or_update(JobSchedule(name="weekly", trigger=weekly, create_job=job)).result()
cron = CronTrigger(expression="15 10 * * 1", time_zone="Pacific Standard Time")
nightly = client.schedules.begin_create_or_update(
    JobSchedule(name="nightly", trigger=cron, create_job=client.jobs.get(found.name))
).result()
tell(
    "kept", days=kept.trigger.schedule.week_days, expression=nightly.trigger.expression, zone=nightly.trigger.time_zone
)

for name in ("weekly", "nightly"):
    client.schedules.begin_disable(name).result()
for name in ("minutely", "weekly", "nightly"):
    client.schedules.begin_delete(name).result()
try:
    client.schedules.get("minutely")
except ResourceNotFoundError:
    tell("deleted", left=len(list(client.schedules.list(list_view_type="All"))))
