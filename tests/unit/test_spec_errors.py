"""What is said of specs that are wrong: all at once, each in its place, with what to do."""

from pathlib import Path

import pytest

from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError
from phift.spec import load

GOOD = {
    "version": "1",
    "name": "demo",
    "base_model": "azureml://registries/azureml/models/Phi-4/versions/8",
    "data": "{train: {path: train.jsonl}}",
    "compute": "{finetune: {name: gpu, size: Standard_NC24ads_A100_v4}}",
    "finetune": "{parameters: {max_steps: 1}}",
}


def wrong(tmp_path: Path, **changes: str | None) -> list[Diagnostic]:
    """What is said of the good spec with these top-level values changed, added or (None) removed."""
    lines = [f"{key}: {value}" for key, value in {**GOOD, **changes}.items() if value is not None]
    path = tmp_path / "spec.yaml"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InvalidSpecError) as caught:
        load(path, environ={})
    for found in caught.value.diagnostics:
        assert found.mark is not None
        assert found.mark.file == str(path)
        assert found.mark.line > 0
        assert "\n" not in found.summary
    return list(caught.value.diagnostics)


def test_the_good_spec_is_good(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("\n".join(f"{key}: {value}" for key, value in GOOD.items()))
    assert load(path).stack == "demo"


@pytest.mark.parametrize(
    ("change", "summary", "remedy"),
    [
        ({"finetun": "{}"}, "finetun: unknown key 'finetun'", "Did you mean finetune?"),
        ({"target": "{}"}, "target: unknown key 'target'", "Did you mean targets?"),
        ({"targets": "{prod: {worksapce: {}}}"}, "prod.worksapce: unknown key 'worksapce'", "Did you mean workspace?"),
        ({"targets": "{local: {defualt: true}}"}, "targets.local.defualt: unknown key", "Did you mean default?"),
        ({"targets": "{local: {targets: {}}}"}, "targets cannot differ between targets", ""),
        (
            {"model": "{name: x, auth_mode: key}"},
            "model.auth_mode: unknown key",
            "Write it under `endpoint`: check the indentation.",
        ),
        ({"y-shared": "{}"}, "y-shared: unknown key 'y-shared'", "Valid keys: version"),
        ({"version": None}, "version is missing", "Add version: 1"),
        ({"version": "2"}, "version must be 1, got 2", ""),
        ({"version": "true"}, "version must be 1, got true", ""),
        ({"version": '"1"'}, 'version must be 1, got text "1"', ""),
        ({"tags": '{"{{ 1 }}": x}'}, "templates are allowed in values, not in keys", ""),
        ({"name": "Demo"}, "name must be 2 to 24 lower-case letters", ""),
        ({"name": "3"}, "name must be text, got 3", 'Quote it: name: "3"'),
        ({"tags": "{year: 2024}"}, "tags.year must be text, got 2024", 'Quote it: year: "2024"'),
        ({"tags": ""}, "tags has no value", "Add a value"),
        ({"base_model": "Phi-4"}, "base_model is invalid: 'Phi-4' is not a reference", "Write azureml://registries"),
        ({"base_model": "{name: x}"}, "requires either a version or a label", "Write azureml://registries"),
        ({"base_model": "{name: x, version: 8}"}, 'quote it: version: "8"', ""),
        ({"base_model": "azureml://registries/azureml/components/x/versions/1"}, "this field requires models", ""),
        ({"finetune": "{component: azureml:c:1, instance_count: '1.5'}"}, "must be a whole number, got 1.5", ""),
        ({"finetune": "{instance_count: 5e-6}"}, "must be a whole number, got 5e-06", ""),
        ({"finetune": "{instance_count: 2}"}, "compute.finetune has at most 1 instances", "max_instances: 2"),
        ({"finetune": "{model_defaults: fil}"}, "must be fill or override or ignore", "Did you mean fill?"),
        ({"finetune": "{instance_count: 0}"}, "must be at least 1, got 0", ""),
        ({"finetune": "{parameters: {learning_rate: .inf}}"}, "must be a finite number", ""),
        ({"finetune": "{parameters: {seed: }}"}, "finetune.parameters.seed has no value", ""),
        ({"finetune": "{parameters: {x: [1]}}"}, "must be a number, text, true or false", ""),
        (
            {"finetune": "{parameters: {train_file_path: x}}"},
            "phift sets this input itself",
            "Set the split under data.",
        ),
        ({"finetune": "{parameters: {compute_finetune: x}}"}, "phift sets this input itself", "Set compute.finetune"),
        ({"finetune": "{parameters: {mlflow_model_path: x}}"}, "phift sets this input itself", "Set base_model."),
        ({"finetune": "{parameters: {num_nodes_finetune: 2}}"}, "phift sets this input", "finetune.instance_count"),
        ({"data": "{train: {path: a, seed: -1}}"}, "data.train.seed must be at least 0, got -1", ""),
        ({"finetune": "{retries: {secret: env:X}}"}, "a secret is not allowed here", "environment_variables"),
        ({"finetune": "{azure: {a: [{secret: env:X}]}}"}, "a secret is not allowed here", "environment_variables"),
        ({"description": '"${{keyvault:https://v/s}}"'}, "a secret is not allowed here", "environment_variables"),
        ({"description": '"{{ vars.x }}"'}, "description: vars.x is not defined", ""),
        ({"data": "{train: train.jsonl}"}, "which kind of source 'train.jsonl' is", "Write {path: train.jsonl}"),
        ({"data": "{train: {path: a, take: 0%}}"}, "data.train.take must be a share", "Write one of 5%, 1000"),
        ({"data": "{train: {take: 5%}}"}, "does not say where train comes from", "Write train: {path:"),
        ({"data": "{test: {path: a}}"}, "`finetune` requires `data.train`", "Add data:"),
        ({"base_model": None}, "`finetune` requires `base_model`", "Add base_model:"),
        ({"compute": None}, "`finetune` requires `compute.finetune`", "Add compute:"),
        ({"finetune": None}, "`base_model` requires `finetune`", "Add finetune:"),
        ({"compute": "{finetune: gpu}"}, "'gpu' is not a reference to a compute", "Write azureml:gpu for the cluster"),
        ({"compute": "{finetune: {name: gpu}}"}, "compute.finetune.size is missing", ""),
        ({"compute": "{finetune: {name: gpu, size: s, tier: spot}}"}, "compute.finetune.tier must be", ""),
        ({"compute": "{finetune: {name: gpu, size: s, allow: s}}"}, "must be a list", "Write allow: [s]."),
        (
            {"compute": "{finetune: {name: gpu, size: s, min_instances: 3}}"},
            "min_instances 3 above max_instances 1",
            "",
        ),
        (
            {"base_model": "azureml://registries/azureml/models/Phi-4/labels/stable"},
            "unknown label 'stable': models have only the label latest",
            "labels/latest",
        ),
        ({"protect": "yes"}, 'protect must be true or false, got text "yes"', "Write protect: true."),
    ],
)
def test_each_mistake_is_told_once(tmp_path: Path, change: dict[str, str | None], summary: str, remedy: str) -> None:
    (found,) = wrong(tmp_path, **change)
    assert summary in found.summary
    assert remedy in found.remedy


def test_all_mistakes_are_told_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    found = wrong(
        tmp_path,
        name="Bad Name",
        base_model='"{{ vars.nope }}"',
        compute="{finetune: {name: gpu, size: s, tier: spot, max_instance: 2}}",
        finetune="{instance_count: 0, retries: x}",
        targets="{local: {default: true}, other: {finetune: {retrys: 2}}}",
    )
    assert [d.mark.line for d in found if d.mark] == [2, 3, 5, 5, 6, 6, 7]
    assert found[-1].summary == "targets.other.finetune.retrys: unknown key 'retrys'"


@pytest.mark.parametrize("text", ["[a]", "a", "3"])
def test_a_spec_is_a_mapping(tmp_path: Path, text: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    with pytest.raises(InvalidSpecError, match="a spec must be a mapping"):
        load(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_bytes(b"a: \xff")
    for name, words in [("spec.yaml", "not UTF-8"), ("spce.yaml", "no such file"), ("", "is a folder")]:
        with pytest.raises(InvalidSpecError, match=words) as caught:
            load(tmp_path / name)
        if name == "spce.yaml":
            assert "Did you mean" in caught.value.diagnostics[0].remedy


def test_an_ending_does_not_make_a_name_similar(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("")
    (tmp_path / "prod.yaml").write_text("")
    with pytest.raises(InvalidSpecError, match="no such file") as caught:
        load(tmp_path / "serving.yaml")
    assert caught.value.diagnostics[0].remedy == ""
    with pytest.raises(InvalidSpecError, match="no such file") as caught:
        load(tmp_path / "prod.yml")
    assert caught.value.diagnostics[0].remedy == f"Did you mean {tmp_path / 'prod.yaml'}?"
