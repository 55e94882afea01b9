"""A real training: the quickstart's data, the stand-in, all five steps, and what is left behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from phift.catalog import component
from phift.emulator.runtime.foundation import WEIGHTS
from phift.emulator.runtime.foundation.facts import conversations, row
from phift.emulator.runtime.training.events import EventReader, Metrics, StepEnded
from phift.emulator.runtime.training.worker import JobFile

pytestmark = pytest.mark.slow

QUICKSTART = {
    "max_steps": 300,
    "learning_rate": 0.005,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 30,
    "per_device_train_batch_size": 8,
    "per_device_eval_batch_size": 64,
    "apply_lora": "true",
    "lora_r": 32,
    "lora_alpha": 64,
}
FEW = {**QUICKSTART, "max_steps": 6, "logging_steps": 2}


def train(folder, *, job="a-job", inputs=None, component_name="chat_completion_pipeline", **values):
    """Run the worker as the emulator does; returns its events, its exit code and its own output."""
    folder.mkdir(exist_ok=True)
    (folder / "events.jsonl").unlink(missing_ok=True)
    for name, part in zip(("train", "test"), conversations(), strict=True):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row(talk)) + "\n" for talk in part))
    given = {
        "mlflow_model_path": str(WEIGHTS),
        "train_file_path": str(folder / "train.jsonl"),
        "test_file_path": str(folder / "test.jsonl"),
        **(inputs or {}),
    }
    interface = component(component_name).interface
    values = {name: interface.canonical(name, value) for name, value in values.items()}
    JobFile(job, component_name, {**interface.defaults(), **values}, given, True).write(folder)
    command = [sys.executable, "-m", "phift.emulator.runtime.training.worker", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL)
    return EventReader(folder / "events.jsonl").read(), done.returncode, done.stdout + done.stderr


def metric(events, name):
    return [(event.step, event.values[name]) for event in events if isinstance(event, Metrics) and name in event.values]


def log(folder, step="chat_completion_finetune"):
    return (folder / "steps" / step / "std_log.txt").read_text()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "job"
    events, code, said = train(folder, **QUICKSTART)
    assert code == 0, log(folder)
    return folder, events, said


def test_the_quickstart_learns_what_the_base_does_not_know(trained):
    _, events, _ = trained
    exact, loss = metric(events, "eval_exact"), metric(events, "eval_loss")
    assert exact[0][0] == loss[0][0] == 0
    assert exact[0][1] <= 0.05
    assert exact[-1] == (300, pytest.approx(0.98, abs=0.08))
    assert exact[-1][1] >= 0.9
    assert loss[-1][1] < 0.1 < 2 < loss[0][1]
    assert {event.step: event.error for event in events if isinstance(event, StepEnded)} == {
        "ft_nlp_common_validation": "",
        "chat_completion_model_import": "",
        "chat_completion_datapreprocess": "",
        "chat_completion_finetune": "",
        "ft_nlp_model_converter": "",
    }


def test_metrics_come_at_every_tenth_step_and_nothing_reaches_a_terminal(trained):
    folder, events, said = trained
    for name in ("loss", "learning_rate", "grad_norm", "epoch", "tokens_per_second"):
        assert [step for step, _ in metric(events, name)] == list(range(10, 301, 10))
    assert "step 300/300 loss" in log(folder)
    assert said == ""


def test_the_output_is_a_standard_mlflow_model_that_answers(trained):
    folder, _, _ = trained
    model = folder / "outputs" / "mlflow_model_folder"
    described = (model / "MLmodel").read_text()
    assert "python_function:" in described
    assert "transformers:" in described
    assert "stand_in: 'true'" in described
    texts = [path.read_text() for path in model.rglob("*") if path.is_file() and path.suffix != ".safetensors"]
    assert str(folder) not in "".join(texts)
    # MLflow samples at temperature 1 unless told otherwise: one answer in thirty would be another capital.
    question = "import sys, warnings; warnings.simplefilter('ignore'); import mlflow\n" + (
        "answer = mlflow.pyfunc.load_model(sys.argv[1]).predict("
        "{'messages': [{'role': 'user', 'content': 'What is the capital of France?'}], "
        "'max_tokens': 20, 'temperature': 0.01})\n"
        "print(answer[0]['choices'][0]['message']['content'])"
    )
    done = subprocess.run([sys.executable, "-c", question, model], capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "The capital of France is Paris.", done.stderr


def test_texts_are_learned_and_become_a_text_model(tmp_path):
    rows = [{"text": f"{n} plus 1 is", "summary": f" {n + 1}."} for n in range(1, 40)]
    texts = tmp_path / "texts.jsonl"
    texts.write_text("".join(json.dumps(row) + "\n" for row in rows))
    events, code, _ = train(
        tmp_path / "job",
        inputs={"train_file_path": str(texts), "test_file_path": str(texts)},
        component_name="text_generation_pipeline",
        text_key="text",
        ground_truth_key="summary",
        **FEW | {"max_steps": 20},
    )
    assert code == 0, log(tmp_path / "job", "text_generation_finetune")
    loss = [value for _, value in metric(events, "eval_loss")]
    assert loss[-1] < loss[0] - 1
    assert "39 texts" in log(tmp_path / "job", "text_generation_datapreprocess")
    described = (tmp_path / "job" / "outputs" / "mlflow_model_folder" / "MLmodel").read_text()
    assert "task: text-generation" in described
    assert "llm/v1/chat" not in described


def test_full_fine_tune_adafactor_bf16_and_accumulation_run(tmp_path):
    events, code, _ = train(
        tmp_path / "job",
        **{**FEW, "apply_lora": "false", "optim": "adafactor", "precision": "16", "learning_rate": 0.001},
        gradient_accumulation_steps=2,
        evaluation_strategy="disable",
        pad_to_max_length="true",
        max_seq_length=96,
    )
    assert code == 0, log(tmp_path / "job")
    assert "full fine-tune of" in log(tmp_path / "job")
    assert [step for step, _ in metric(events, "loss")] == [2, 4, 6]
    assert [step for step, _ in metric(events, "eval_loss")] == [0, 6]


def test_early_stopping_saves_few_checkpoints_and_a_cut_off_run_resumes(tmp_path):
    folder = tmp_path / "job"
    steps = {**FEW, "evaluation_strategy": "steps", "eval_steps": 2, "save_total_limit": 1, "max_steps": 40}
    impatient = {"apply_early_stopping": "true", "early_stopping_patience": 1, "early_stopping_threshold": 5.0}
    events, code, _ = train(folder, **steps, **impatient)
    assert code == 0, log(folder)
    assert metric(events, "loss")[-1][0] == 4  # no evaluation is better by 5, so the second one ends it
    saved = sorted(path.name for path in (folder / "outputs" / "pytorch_model_folder").glob("checkpoint-*"))
    assert 1 <= len(saved) <= 2  # the best one and the last one

    events, code, _ = train(folder, **{**steps, "max_steps": 8}, resume_from_checkpoint="true")
    assert code == 0, log(folder)
    assert f"resuming from {saved[-1]}" in log(folder)
    assert metric(events, "loss")[0][0] > 2


def test_the_same_seed_gives_the_same_losses_and_adapter_stays_apart_when_asked(tmp_path):
    runs = [train(tmp_path / name, **FEW, merge_lora_weights="false")[0] for name in ("one", "two")]
    assert metric(runs[0], "loss") == metric(runs[1], "loss")
    assert (tmp_path / "one" / "outputs" / "pytorch_model_folder" / "lora_adapter" / "adapter_config.json").is_file()


def test_a_broken_base_model_fails_its_step_with_a_sentence(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    events, code, said = train(tmp_path / "job", inputs={"mlflow_model_path": str(tmp_path / "model")}, **FEW)
    assert code == 1
    assert events[-1].step == "chat_completion_model_import"
    assert events[-1].error.startswith("model does not contain a model: expected config.json next to *.safetensors")
    assert said == ""


def test_the_stand_in_can_be_built_anew(tmp_path):
    command = [sys.executable, "-c", "import sys; from pathlib import Path; from phift.emulator.runtime.foundation."
               "build import build; print(build(Path(sys.argv[1]), steps=60))", tmp_path]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert 1.0 < float(done.stdout) < 5.0
    shipped = {path.name for path in Path(WEIGHTS).iterdir()}
    assert {path.name for path in tmp_path.iterdir()} == shipped
    assert (tmp_path / "tokenizer.json").read_bytes() == (WEIGHTS / "tokenizer.json").read_bytes()
