"""The rules of the trainer: the plan and the emulator's validation step give the same verdict on parameters."""

import json
import random
from pathlib import Path

import pytest

from phift import catalog
from phift.catalog.interface import ComponentInterface
from phift.catalog.rules import rules
from phift.diagnostics import Severity
from phift.emulator.runtime.training.events import EventWriter
from phift.emulator.runtime.training.steps import validation
from phift.emulator.runtime.training.steps.context import Parameters, StepContext, StepError
from phift.kinds.job.parameters import effective_parameters
from phift.kinds.job.trainer import Setting, trainer_findings
from phift.lock import Lock, PinnedComponent, StackLock
from phift.spec import load_all
from phift.workbench.offline import Rows, parameter_findings

COMPONENTS = ("chat_completion_pipeline", "text_generation_pipeline", "text_classification_pipeline")
REQUIRED = {"text_key": "text", "sentence1_key": "text", "label_key": "label"}
A100, V100 = "Standard_NC24ads_A100_v4", "Standard_NC24s_v3"
NUMBERS = {
    "integer": (-2, -1, 0, 1, 2, 3, 40, 2**32 - 1, 2**32),
    "number": (-1.0, -0.5, 0.0, 1e-8, 0.3, 0.999, 1.0, 1.5),
}


def interface(name: str) -> ComponentInterface:
    found = catalog.component(name)
    assert found is not None
    return found.interface


def findings(component: str, given: dict, defaults: dict | None = None, **setting):
    effective = effective_parameters(interface(component), given, defaults or {})
    assert effective.problems == ()
    return list(trainer_findings(effective, Setting(splits=frozenset(setting.pop("splits", {"test"})), **setting)))


def codes(*given, **setting):
    return [(d.severity.value, d.code, d.path) for d in findings("chat_completion_pipeline", *given, **setting)]


def generated(component: str, chance: random.Random) -> dict:
    """A few inputs with values that the component itself accepts."""
    declared = interface(component)
    tunable = [i for i in declared.inputs.values() if i.is_literal and (i.enum or i.type in NUMBERS)]
    tunable = [i for i in tunable if not i.name.startswith(("num_nodes", "number_of_gpu", "task_name"))]
    given = {name: value for name, value in REQUIRED.items() if name in declared.inputs}
    for one in chance.sample(tunable, chance.randint(1, 6)):
        given[one.name] = chance.choice(one.enum or NUMBERS[one.type])
    return {name: value for name, value in given.items() if declared.check_one(name, value) is None}


def emulator_fails(component: str, given: dict, splits: set[str], folder: Path) -> str:
    declared = interface(component)
    values = {**declared.defaults(), **{name: declared.canonical(name, value) for name, value in given.items()}}
    inputs = {f"{split}_file_path": folder for split in ("train", *splits)}
    context = StepContext("job", "step", folder, Parameters(values), inputs, False, EventWriter(folder / "events"))
    context.log_file.parent.mkdir(parents=True, exist_ok=True)
    try:
        validation._check_parameters(context)
    except StepError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_plan_accepts_what_the_emulator_trains_with_and_nothing_else(component: str, tmp_path: Path) -> None:
    chance, verdicts = random.Random(component), set()
    for _ in range(1500):
        given, splits = generated(component, chance), set(chance.sample(("validation", "test"), chance.randint(0, 2)))
        refused = [d for d in findings(component, given, splits=splits) if d.severity is Severity.ERROR]
        failed = emulator_fails(component, given, splits, tmp_path)
        assert bool(refused) is bool(failed), (given, splits, refused, failed)
        verdicts.add(bool(failed))
    assert verdicts == {True, False}


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ({"learning_rate": -1.0}, "parameter-bounds", "learning_rate"),
        ({"learning_rate": 0}, "parameter-bounds", "learning_rate"),
        ({"warmup_steps": -1}, "parameter-bounds", "warmup_steps"),
        ({"seed": -1}, "parameter-bounds", "seed"),
        ({"adam_beta1": 1.0}, "parameter-bounds", "adam_beta1"),
        ({"apply_lora": True, "lora_r": 0}, "parameter-bounds", "lora_r"),
        ({"apply_lora": True, "lora_dropout": 1.5}, "parameter-bounds", "lora_dropout"),
        ({"gradient_accumulation_steps": 0}, "parameter-bounds", "gradient_accumulation_steps"),
        (
            {"apply_early_stopping": True, "evaluation_strategy": "disable"},
            "parameter-conflict",
            "apply_early_stopping",
        ),
        ({"apply_deepspeed": True, "auto_find_batch_size": True}, "parameter-conflict", "auto_find_batch_size"),
        (
            {"apply_deepspeed": True, "deepspeed_stage": "3", "apply_ort": True},
            "parameter-conflict",
            "apply_ort",
        ),
    ],
)
def test_what_the_trainer_cannot_train_with_is_an_error(given: dict, code: str, path: str) -> None:
    assert codes(given) == [("error", code, f"finetune.parameters.{path}")]


def test_early_stopping_needs_a_split() -> None:
    found = codes({"apply_early_stopping": True}, splits={"train"})
    assert found == [("error", "parameter-conflict", "finetune.parameters.apply_early_stopping")]
    assert codes({"apply_early_stopping": True}, splits={"train", "validation"}) == []


@pytest.mark.parametrize(
    ("given", "setting"),
    [
        ({"precision": "16"}, {"size": V100}),
        ({"max_steps": 10, "warmup_steps": 10}, {}),
        ({"max_steps": 0}, {}),
        ({"warmup_steps": 5, "per_device_train_batch_size": 10}, {"size": A100, "rows": 40}),
        ({"per_device_train_batch_size": 8}, {"size": A100, "rows": 7}),
        ({"evaluation_strategy": "steps", "eval_steps": 50, "max_steps": 40}, {}),
        ({"max_seq_length": 8192}, {"model": "Phi-3-mini-4k-instruct"}),
        ({"max_seq_length": 512}, {"longest": 513}),
        ({"apply_early_stopping": True, "early_stopping_patience": 0}, {}),
    ],
)
def test_what_trains_but_not_as_expected_is_a_warning(given: dict, setting: dict) -> None:
    assert {(severity, code) for severity, code, _ in codes(given, **setting)} == {("warning", "parameter-effect")}


def test_rows_longer_than_the_model_reads() -> None:
    assert codes({}, model="Phi-3-mini-4k-instruct", longest=4096) == []
    assert codes({}, model="Phi-3-mini-4k-instruct", longest=4097) == [("warning", "parameter-effect", "finetune")]


def test_rows_longer_by_their_bytes_are_about_so_long() -> None:
    given, model = {"max_seq_length": 512}, "Phi-3-mini-4k-instruct"
    (found,) = findings("chat_completion_pipeline", given, {}, model=model, least=1513)
    assert found.summary == "the longest row has about 1,513 tokens, but max_seq_length is 512"
    assert findings("chat_completion_pipeline", given, {}, model=model, longest=500, least=1513) == []


def test_no_warning_where_nothing_is_known() -> None:
    assert codes({"precision": "16", "warmup_steps": 90, "max_seq_length": 9000}) == []


def test_what_only_the_models_defaults_break_is_a_warning_unless_the_trainer_fails() -> None:
    early = {"apply_early_stopping": "true"}
    assert codes({}, early, splits={"train"}) == [("warning", "parameter-conflict", "finetune")]
    assert codes({"seed": 3}, {"learning_rate": "-1"}) == [("error", "parameter-bounds", "finetune")]
    assert codes({}, {"apply_early_stopping": "true", "early_stopping_patience": "0"}) == []


def test_a_component_of_ones_own_gets_warnings_only() -> None:
    effective = effective_parameters(interface("chat_completion_pipeline"), {"seed": -1}, {})
    found = list(trainer_findings(effective, Setting(), catalogued=False))
    assert [(d.severity, d.code) for d in found] == [(Severity.WARNING, "parameter-bounds")]


@pytest.mark.parametrize(
    ("component", "severity"),
    [
        ("azureml://registries/azureml/components/chat_completion_pipeline/versions/0.0.82", Severity.ERROR),
        ("azureml:chat_completion_pipeline:0.0.82", Severity.WARNING),
    ],
)
def test_a_component_of_the_workspace_with_a_published_name_gets_warnings_only(
    component: str, severity: Severity, tmp_path: Path
) -> None:
    block = {"component": component, "parameters": {"learning_rate": 0}}
    text = {"version": 1, "name": "stack", "base_model": "azureml:m:1", "compute": {"finetune": "azureml:c"}}
    path = tmp_path / "spec.yaml"
    path.write_text(json.dumps({**text, "data": {"train": {"path": "t.jsonl"}}, "finetune": block}), encoding="utf-8")
    published = catalog.component("chat_completion_pipeline")
    assert published is not None
    pin = PinnedComponent(requested=component, id="c", version="0.0.82", inputs=published.interface.plain)
    (loaded,) = load_all(path)
    found = parameter_findings(loaded, Lock(stacks={"stack": StackLock(component=pin)}), Rows())
    assert [d.severity for d in found if d.code == "parameter-bounds"] == [severity]


def other(**inputs: dict) -> ComponentInterface:
    return ComponentInterface.from_spec({"inputs": inputs})


@pytest.mark.parametrize(
    ("given", "severity"),
    [
        ({"load_best_model_at_end": True, "evaluation_strategy": "no"}, "error"),
        ({"load_best_model_at_end": True, "evaluation_strategy": "epoch", "save_strategy": "steps"}, "error"),
        ({"load_best_model_at_end": True, "evaluation_strategy": "epoch", "save_total_limit": 1}, "warning"),
        ({"bf16": True, "fp16": True}, "error"),
        ({"bf16": True}, "error"),
        ({"precision": "8"}, "error"),
        ({"fp16": True}, ""),
        ({"load_best_model_at_end": True, "evaluation_strategy": "epoch"}, ""),
    ],
)
def test_inputs_of_other_components(given: dict, severity: str) -> None:
    flag = {"type": "boolean", "default": False}
    declared = other(
        load_best_model_at_end=flag,
        bf16=flag,
        fp16=flag,
        evaluation_strategy={"type": "string", "default": "epoch"},
        save_strategy={"type": "string", "default": "epoch"},
        save_total_limit={"type": "integer", "default": -1},
        precision={"type": "string", "default": "32"},
    )
    effective = effective_parameters(declared, given, {})
    found = list(trainer_findings(effective, Setting(model="Phi-4", size="Standard_NC16as_T4_v3")))
    assert ({d.severity.value for d in found if d.code != "parameter-effect" or severity == "warning"} or {""}) == {
        severity
    }


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("model", sorted(catalog.models()))
def test_no_default_of_the_registry_is_refused(component: str, model: str) -> None:
    listed = catalog.model(model)
    assert listed is not None
    given = {name: value for name, value in REQUIRED.items() if name in interface(component).inputs}
    size = next(iter(listed.finetune_computes), A100)
    found = findings(component, given, dict(listed.defaults), model=model, size=size)
    assert [d for d in found if d.severity is Severity.ERROR] == []


def test_every_rule_says_what_it_rests_on_and_can_apply() -> None:
    known = {i for name in COMPONENTS for i in interface(name).inputs}
    other_inputs = {"load_best_model_at_end", "save_strategy", "bf16", "fp16", "warmup_ratio"}
    computed = {"data.rows", "data.longest", "data.validation", "data.test", "gpu.name", "gpu.bf16", "gpu.count"}
    computed |= {"model.name", "model.family", "model.context", "job.last_step", "job.batch"}
    for rule in rules():
        assert rule.source, rule
        assert rule.why.endswith("."), rule
        assert rule.names <= known | other_inputs | computed, rule
        assert rule.bounds or (rule.when and rule.summary and rule.remedy), rule
        assert rule.severity in ("error", "warning"), rule
