"""Loading a spec: targets, variables, environment, defaults, origins and rendering."""

from collections.abc import Callable
from pathlib import Path

import pytest

from phift.diagnostics import Mark
from phift.errors import InvalidSpecError
from phift.spec import (
    AssetRef,
    ComputeBlock,
    LoadedSpec,
    ModelBlock,
    Origin,
    OriginKind,
    load,
    render,
    render_yaml,
)
from phift.spec.tree import plain
from phift.spec.yaml12 import parse
from phift.workspace import WorkspaceId

SPEC = """\
version: 1
name: demo
vars: {epochs: 3, rate: 5e-6, where: "{{ env.AZURE_LOCATION | default('eastus') }}"}
base_model: azureml://registries/azureml/models/Phi-4/labels/latest
data:
  train: {path: data/train.jsonl, take: 5%}
  test: {path: data/test.jsonl}
compute:
  finetune: {name: gpu, size: Standard_NC24ads_A100_v4, max_instances: 2}
finetune:
  instance_count: 2
  experiment_name: "{{ vars.where }}-{{ target.name }}"
  parameters: {num_train_epochs: "{{ vars.epochs }}", learning_rate: "{{ vars.rate }}", apply_lora: true}
targets:
  local:
    vars: {epochs: 1}
    finetune: {parameters: {apply_lora: null, max_steps: 7}}
  prod:
    default: true
    workspace: {subscription_id: "{{ env.AZURE_SUBSCRIPTION_ID }}", resource_group: rg, name: ws}
"""
ENVIRON = {"AZURE_SUBSCRIPTION_ID": "s-1"}
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to(text: str) -> Path:
        path = tmp_path / "spec.yaml"
        path.write_text(text)
        return path

    return to


@pytest.fixture
def prod(write: Write) -> LoadedSpec:
    return load(write(SPEC), environ=ENVIRON)


@pytest.fixture
def local(write: Write) -> LoadedSpec:
    return load(write(SPEC), target="local", environ=ENVIRON)


def parameters(loaded: LoadedSpec) -> dict[str, object]:
    assert loaded.spec.finetune is not None
    return dict(loaded.spec.finetune.parameters)


def test_the_default_target(prod: LoadedSpec) -> None:
    assert prod.stack == "demo"
    assert prod.target.workspace == WorkspaceId("s-1", "rg", "ws")
    assert not prod.target.local
    assert prod.env_names == ("AZURE_LOCATION", "AZURE_SUBSCRIPTION_ID")
    assert parameters(prod) == {"num_train_epochs": 3, "learning_rate": 5e-6, "apply_lora": True}


def test_another_target_merges_its_overrides(local: LoadedSpec) -> None:
    assert local.stack == "demo-local"
    assert local.target.local
    assert local.target.workspace is None
    assert local.env_names == ("AZURE_LOCATION",)
    assert parameters(local) == {"num_train_epochs": 1, "learning_rate": 5e-6, "max_steps": 7}


def test_values_are_parsed_once(prod: LoadedSpec) -> None:
    spec = prod.spec
    assert spec.base_model == AssetRef("azureml", "Phi-4", None, "latest", "models")
    assert spec.base_model.floats
    assert str(spec.base_model.pinned("8")) == "azureml://registries/azureml/models/Phi-4/versions/8"
    assert isinstance(spec.compute.finetune, ComputeBlock)
    assert spec.compute.finetune.tier == "dedicated"
    assert spec.data is not None
    assert {name: source.take for name, source in spec.data.splits.items()} == {"train": "5%", "test": None}
    assert spec.model == ModelBlock(name="demo")
    assert spec.finetune is not None
    assert spec.finetune.experiment_name == "eastus-prod"


@pytest.mark.parametrize(
    ("targets", "stack", "local"),
    [
        ("", "demo", True),
        ("targets: {}\n", "demo", True),
        ("targets: {local: {}}\n", "demo", True),
        ("targets: {prod: {}}\n", "demo", False),
        ("targets: {prod: {}, local: {default: true}}\n", "demo", True),
    ],
)
def test_which_target_is_default(write: Write, targets: str, stack: str, local: bool) -> None:
    loaded = load(write(SPEC[: SPEC.index("targets:")] + targets), environ={})
    assert (loaded.stack, loaded.target.local) == (stack, local)


def test_local_needs_no_declaration(write: Write) -> None:
    loaded = load(write(SPEC[: SPEC.index("targets:")] + "targets: {prod: {}}\n"), target="local", environ={})
    assert loaded.stack == "demo-local"


@pytest.mark.parametrize(
    ("targets", "asked", "words"),
    [
        ("{a: {}, b: {}}", None, "several targets and no default"),
        ("{a: {default: true}, b: {default: true}}", None, "more than one default target: a and b"),
        ("{prod: {}}", "prd", "target 'prd' not found"),
        ("{local: {workspace: {subscription_id: a, resource_group: b, name: c}}}", None, "cannot have a workspace"),
        ("{prod: {name: other}}", None, "name cannot differ"),
        ("{Prod: {}}", None, "the name of a target must be"),
        ("[a]", None, "must be a mapping"),
        ("{a: 3}", None, "must be a mapping"),
    ],
)
def test_targets_that_make_no_sense(write: Write, targets: str, asked: str | None, words: str) -> None:
    path = write(SPEC[: SPEC.index("targets:")] + f"targets: {targets}\n")
    with pytest.raises(InvalidSpecError) as caught:
        load(path, target=asked, environ={})
    assert any(words in d.summary and d.mark for d in caught.value.diagnostics)


def test_variables_of_the_command_line_win(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "vars.yaml"
    file.write_text("epochs: 5\nrate: 1e-3\nextra: 1\n")
    path = write(SPEC)
    loaded = load(path, target="local", environ={}, variable_files=[file], variables={"rate": "2e-3", "where": '"7"'})
    assert parameters(loaded)["num_train_epochs"] == 5
    assert parameters(loaded)["learning_rate"] == 2e-3
    assert loaded.spec.finetune is not None
    assert loaded.spec.finetune.experiment_name == "7-local"
    (warning,) = loaded.warnings
    assert "variable 'extra' is not declared" in warning.summary


def test_a_variable_from_the_command_line_is_no_template(write: Write) -> None:
    loaded = load(write(SPEC), target="local", environ={}, variables={"where": "{{ env.HOME }}"})
    assert loaded.spec.finetune is not None
    assert loaded.spec.finetune.experiment_name == "{{ env.HOME }}-local"


def test_an_unknown_variable_is_refused(write: Write) -> None:
    with pytest.raises(InvalidSpecError) as caught:
        load(write(SPEC), target="local", environ={}, variables={"epoch": "2"})
    (found,) = caught.value.diagnostics
    assert found.remedy == "Did you mean epochs?"


def test_variables_may_use_variables_but_not_in_a_circle(write: Write) -> None:
    base = SPEC.replace("epochs: 3", 'epochs: "{{ vars.n + 1 }}", n: 3')
    assert parameters(load(write(base), environ=ENVIRON))["num_train_epochs"] == 4
    circle = base.replace("n: 3", 'n: "{{ vars.epochs }}"')
    with pytest.raises(InvalidSpecError) as caught:
        load(write(circle), environ=ENVIRON)
    assert [d.code for d in caught.value.diagnostics] == ["template"]
    assert "circular variable reference: epochs -> n -> epochs" in caught.value.diagnostics[0].summary


def test_a_missing_environment_variable_matters_to_its_target_only(write: Write) -> None:
    path = write(SPEC)
    load(path, target="local", environ={})
    with pytest.raises(InvalidSpecError) as caught:
        load(path, environ={})
    (found,) = caught.value.diagnostics
    assert "env.AZURE_SUBSCRIPTION_ID is not defined" in found.summary
    assert found.mark == Mark(str(path), SPEC[: SPEC.index("env.AZURE_SUBSCRIPTION_ID")].count("\n") + 1, 34)


def test_mixed_text_is_read_by_the_type_of_its_field(write: Write) -> None:
    text = SPEC.replace("instance_count: 2", 'instance_count: "{{ 1 }}{{ 0 }}"').replace(
        "max_instances: 2", "max_instances: 10"
    )
    loaded = load(write(text), environ=ENVIRON)
    assert loaded.spec.finetune is not None
    assert loaded.spec.finetune.instance_count == 10


def test_origins(local: LoadedSpec, prod: LoadedSpec) -> None:
    origins = local.origins
    assert str(origins["finetune.parameters.num_train_epochs"]) == "var epochs"
    assert str(origins["finetune.parameters.max_steps"]) == "target local"
    assert str(origins["finetune.instance_count"]) == "spec"
    assert str(origins["compute.finetune.tier"]) == "phift default"
    assert str(origins["model.name"]) == "phift default"
    assert origins["finetune.parameters.num_train_epochs"].mark == Mark(str(local.path), 16, 20)
    assert set(origins) >= {r.path for r in render(local)}
    assert str(prod.origins["finetune.experiment_name"]) == "var where"


def test_marks_find_the_nearest_place(local: LoadedSpec) -> None:
    name = str(local.path)
    assert local.mark("compute.finetune.size") == Mark(name, 9, 25)
    assert local.mark("compute.finetune.tier") == Mark(name, 9, 3)
    assert local.mark("finetune.parameters.max_steps") == Mark(name, 17, 47)
    assert local.mark("deployment.instance_type") == Mark(name, 1, 1)


def test_rendered_yaml_is_the_rendered_spec(local: LoadedSpec) -> None:
    default = ("finetune.parameters.logging_steps", (10, Origin(OriginKind.MODEL_DEFAULT, "Phi-4")))
    text = render_yaml(local, dict([default]))
    assert "logging_steps: 10" in text
    assert "# model default Phi-4" in text
    tree, found = parse(text, "rendered")
    assert tree is not None
    assert found == []
    values = plain(tree)
    assert values["finetune"]["parameters"] == {**parameters(local), "logging_steps": 10}
    assert values["base_model"] == str(local.spec.base_model)


def test_the_digest_follows_the_meaning(write: Write, prod: LoadedSpec, local: LoadedSpec) -> None:
    same = SPEC.replace("5e-6", "0.000005").replace("tags", "tags") + "# a comment\n"
    assert load(write(same), environ=ENVIRON).digest == prod.digest
    assert load(write(SPEC.replace("5e-6", "6e-6")), environ=ENVIRON).digest != prod.digest
    assert local.digest != prod.digest


def test_a_split_takes_what_it_leaves_open_from_the_shared_source(write: Write) -> None:
    text = SPEC.replace(
        "  train: {path: data/train.jsonl, take: 5%}",
        "  from: {path: all.jsonl, take: 10%, seed: 3}\n  train: {take: 5%}",
    )
    loaded = load(write(text), environ=ENVIRON)
    assert loaded.spec.data is not None
    train, test = loaded.spec.data.splits["train"], loaded.spec.data.splits["test"]
    assert (train.path, train.take, train.seed) == ("all.jsonl", "5%", 3)
    assert (test.path, test.take) == ("data/test.jsonl", "10%")


def test_another_kind_of_source_in_a_target_replaces_the_old(write: Write) -> None:
    text = SPEC.replace("  prod:\n", "  prod:\n    data: {train: {path: other.jsonl, take: null}}\n")
    loaded = load(write(text), environ=ENVIRON)
    assert loaded.spec.data is not None
    assert loaded.spec.data.splits["train"].path == "other.jsonl"
    assert loaded.spec.data.splits["train"].take is None


def test_azure_blocks_take_any_plain_value(write: Write) -> None:
    text = SPEC.replace(
        "max_instances: 2}", "max_instances: 2, azure: {properties: {enableNodePublicIp: false, x: null}}}"
    )
    compute = load(write(text), environ=ENVIRON).spec.compute.finetune
    assert isinstance(compute, ComputeBlock)
    assert compute.azure == {"properties": {"enableNodePublicIp": False, "x": None}}


def test_free_keys_and_merges_are_those_of_the_values_written_out(write: Write, prod: LoadedSpec) -> None:
    own = '  instance_count: 2\n  experiment_name: "{{ vars.where }}-{{ target.name }}"\n'
    free = f'x-finetune: &finetune\n{own}x-anything: [1, {{secret: env:X}}, "{{{{ nonsense }}}}", null]\n'
    loaded = load(write(free + SPEC.replace(own, "  <<: *finetune\n")), environ=ENVIRON)
    assert loaded.spec == prod.spec
    assert loaded.digest == prod.digest


def test_a_mistake_in_a_merged_value_is_where_it_is_written(write: Write) -> None:
    shared = "x-shared: &shared\n  compute: {finetune: {max_instance: 3}}\n"
    text = shared + SPEC.replace("    vars: {epochs: 1}\n", "    <<: *shared\n")
    with pytest.raises(InvalidSpecError) as caught:
        load(write(text), target="local", environ={})
    (found,) = caught.value.diagnostics
    assert found.summary == "targets.local.compute.finetune.max_instance: unknown key 'max_instance'"
    assert found.mark is not None
    assert (found.mark.line, found.mark.column) == (2, 24)


def test_merges_in_a_target_and_in_a_base(write: Write, tmp_path: Path) -> None:
    base = "x-steps: &steps {max_steps: 9, warmup_steps: 1}\n" + SPEC.replace("{apply_lora: null,", "{<<: *steps,")
    (tmp_path / "base.yaml").write_text(base)
    spec = "x-steps: &steps {warmup_steps: 2}\nextends: base.yaml\ntargets: {local: {finetune: {parameters: *steps}}}\n"
    loaded = load(write(spec), target="local", environ={})
    assert loaded.spec.finetune is not None
    wanted = {"max_steps": 7, "warmup_steps": 2, "apply_lora": True}
    assert {name: loaded.spec.finetune.parameters[name] for name in wanted} == wanted
