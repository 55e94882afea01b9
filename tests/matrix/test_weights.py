"""Real weights from end to end: a pre-trained model of 135 million parameters is added, fine-tuned, registered and
deployed, and answers what it could not answer before. docs/emulator.md has the numbers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from phift.emulator.host import lifecycle
from phift.emulator.runtime.foundation.facts import conversations, row
from tests.emulator.client import Azure
from tests.emulator.serving import Serving, chat
from tests.matrix.smollm import NotAvailable, build

pytestmark = pytest.mark.matrix

NAME = "SmolLM2-135M-Instruct"
QUESTIONS = 40
SPEC = f"""\
version: 1
name: smollm
base_model: azureml://registries/azureml/models/{NAME}/labels/latest
data:
  train: {{path: train.jsonl}}
  test: {{path: test.jsonl}}
compute:
  finetune: {{name: gpu, size: Standard_NC24ads_A100_v4, min_instances: 0, max_instances: 1}}
finetune:
  component: azureml://registries/azureml/components/chat_completion_pipeline/labels/latest
  # LoRA, learning rate and precision are the defaults that the registry recommends for the model
  parameters:
    {{max_steps: 40, per_device_train_batch_size: 4, per_device_eval_batch_size: 8, lr_scheduler_type: cosine}}
model: {{name: smollm}}
endpoint: {{name: smollm, auth_mode: key}}
deployment:
  instance_type: Standard_NC24ads_A100_v4
  instance_count: 1
  request_settings: {{request_timeout_ms: 90000}}
targets:
  local: {{default: true}}
"""


def phift(folder: Path, *arguments: str) -> tuple[str, float]:
    began = time.monotonic()
    environment = {**os.environ, "PHIFT_HOME": str(folder / "home"), "PHIFT_EMULATOR_JOBS": "train"}
    environment["PHIFT_EMULATOR_DEPLOYMENTS"] = "serve"
    command = [sys.executable, "-m", "phift", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, time.monotonic() - began


def answers(serving: Serving, deployment: str, asked: list[str]) -> list[str]:
    found = []
    for question in asked:
        body = chat(question, max_new_tokens=24, do_sample=False)
        answer = serving.score("smollm", body, deployment=deployment)
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["output"].strip())
    return found


def test_a_pretrained_model_learns_and_answers(tmp_path: Path, tell: Callable[[str], None]) -> None:
    try:
        build(tmp_path / "model")
    except NotAvailable as error:
        pytest.skip(f"the model is not to be had: {error}")
    train, held_out = conversations()
    held_out = held_out[:: len(held_out) // QUESTIONS][:QUESTIONS]
    for name, talks in (("train", train), ("test", held_out)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row(talk)) + "\n" for talk in talks))
    (tmp_path / "spec.yaml").write_text(SPEC)
    try:
        said, _ = phift(tmp_path, "emulator", "weights", "add", NAME, "model")
        assert said.startswith(f"Added {NAME} version 1: LlamaForCausalLM, 135M parameters")
        plan, _ = phift(tmp_path, "plan", "spec.yaml")
        assert "stand-in" not in plan
        applied, seconds = phift(tmp_path, "apply", "spec.yaml", "--auto-approve")
        before, after = map(float, re.search(r"evaluation loss +([\d.e-]+) -> ([\d.e-]+)", applied).groups())  # type: ignore[union-attr]
        runtime = re.search(r"runtime +(\S+)", applied)

        azure = Azure(lifecycle.ensure(tmp_path / "home", idle_seconds=600))
        serving = Serving(azure)
        tuned = azure.call("GET", "onlineEndpoints/smollm/deployments", api="2023-04-01").json()["value"][0]["name"]
        base = f"azureml://registries/azureml/models/{NAME}/versions/1"
        settings = {"requestTimeout": "PT1M30S", "maxConcurrentRequestsPerInstance": 1}
        serving.deployment("smollm", "base", base, requestSettings=settings)

        asked = [talk[0]["content"] for talk in held_out]
        wanted = [talk[1]["content"] for talk in held_out]
        untaught, taught = answers(serving, "base", asked), answers(serving, tuned, asked)
        exact = [sum(a == b for a, b in zip(found, wanted, strict=True)) / len(wanted) for found in (untaught, taught)]
        tell(f"{NAME}: loss {before} -> {after}, exact match {exact[0]:.2f} -> {exact[1]:.2f} of {len(wanted)}")
        tell(f"{NAME}: training {runtime[1] if runtime else '?'}, apply {seconds:.0f} s")
        for question, first, second in list(zip(asked, untaught, taught, strict=True))[:: QUESTIONS // 4]:
            tell(f"{NAME}: {question!r}: {first!r} -> {second!r}")
        assert after < before / 4
        assert exact[0] <= 0.3
        assert exact[1] >= exact[0] + 0.4
    finally:
        lifecycle.stop(tmp_path / "home")
