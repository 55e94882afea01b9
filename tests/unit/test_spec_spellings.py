"""What `az ml` YAML writes differently: read as phift's own spelling, or rejected with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args, get_origin

import pytest
from pydantic import ValidationError

from phift.errors import InvalidSpecError
from phift.spec import load
from phift.spec.base import AnyCase, Strict
from phift.spec.document import Spec
from phift.spec.rules import Elsewhere, Implied, NumbersAsText, Renamed
from phift.spec.spellings import blocks_below, respelled
from phift.spec.tree import plain
from phift.spec.yaml12 import parse

SERVING = """\
version: 1
name: demo
model: azureml:m:1
endpoint: %s
deployment: %s
"""
ID = "/subscriptions/0/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
BLOCKS = sorted(blocks_below(Spec), key=lambda block: block.__name__)


def spec_of(folder: Path, endpoint: str = "{}", deployment: str = "{instance_type: s}", more: str = "") -> Spec:
    path = folder / "spec.yaml"
    path.write_text(SERVING % (endpoint, deployment) + more)
    return load(path, environ={}).spec


def findings(folder: Path, endpoint: str = "{}", deployment: str = "{instance_type: s}") -> list[tuple[str, str]]:
    with pytest.raises(InvalidSpecError) as caught:
        spec_of(folder, endpoint, deployment)
    return [(found.summary, found.remedy) for found in caught.value.diagnostics]


@pytest.mark.parametrize("written", ["key", "Key", "KEY", '"Key"'])
def test_an_enumeration_in_any_letter_case(tmp_path: Path, written: str) -> None:
    spec = spec_of(tmp_path, f"{{auth_mode: {written}, public_network_access: Disabled}}")
    assert spec.endpoint is not None
    assert (spec.endpoint.auth_mode, spec.endpoint.public_network_access) == ("key", "disabled")


@pytest.mark.parametrize("written", ["user_assigned", "UserAssigned", "user-assigned"])
def test_an_enumeration_in_camel_case_and_resource_ids_as_az_ml_has_them(tmp_path: Path, written: str) -> None:
    shown = f"{{resource_id: {ID}/x, principal_id: p, client_id: c}}"
    identity = f"{{type: {written}, user_assigned_identities: [{shown}, {ID}/y]}}"
    spec = spec_of(tmp_path, f"{{identity: {identity}}}")
    assert spec.endpoint is not None
    assert spec.endpoint.identity is not None
    assert spec.endpoint.identity.type == "user_assigned"
    assert spec.endpoint.identity.user_assigned_identities == (f"{ID}/x", f"{ID}/y")


def test_an_enumeration_that_is_none_of_it(tmp_path: Path) -> None:
    assert findings(tmp_path, "{auth_mode: keys}") == [
        ('endpoint.auth_mode must be key or aml_token or aad_token, got text "keys"', "Did you mean key?")
    ]


def test_quoted_numbers_and_flags(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, deployment='{instance_type: s, instance_count: "2", app_insights_enabled: "true"}')
    assert spec.deployment is not None
    assert (spec.deployment.instance_count, spec.deployment.app_insights_enabled) == (2, True)


@pytest.mark.parametrize(
    ("written", "text"),
    [("2", "2"), ("0012", "0012"), ("1.10", "1.10"), ("5e-6", "5e-6"), ("0x1F", "0x1F"), ('"2"', "2"), ("*n", "007")],
)
def test_numbers_as_environment_variables_stay_as_written(tmp_path: Path, written: str, text: str) -> None:
    variables = f"{{FIRST: &n 007, COUNT: {written}}}"
    spec = spec_of(tmp_path, deployment=f"{{instance_type: s, environment_variables: {variables}}}")
    assert spec.deployment is not None
    assert spec.deployment.environment_variables == {"FIRST": "007", "COUNT": text}


def test_a_flag_as_environment_variable_must_be_quoted(tmp_path: Path) -> None:
    found = findings(tmp_path, deployment="{instance_type: s, environment_variables: {A: true}}")
    assert found[0][0] == "deployment.environment_variables.A must be text or a secret"


def test_a_block_as_az_ml_has_it(tmp_path: Path) -> None:
    schema = "$schema: https://azuremlschemas.azureedge.net/latest/x.json"
    spec = spec_of(tmp_path, f"{{{schema}}}", f"{{{schema}, type: Managed, instance_type: s}}", f"{schema}\n")
    assert spec.endpoint is not None
    assert spec.deployment is not None


def test_a_value_that_contradicts_the_block(tmp_path: Path) -> None:
    assert findings(tmp_path, deployment="{instance_type: s, type: kubernetes}") == [
        ("deployment.type must be managed", "phift creates managed online deployments only: remove it.")
    ]


def test_a_key_that_phift_expresses_otherwise(tmp_path: Path) -> None:
    assert findings(tmp_path, "{traffic: {blue: 100}}") == [
        ("endpoint.traffic: unknown key 'traffic'", "Remove it: `rollout` decides which deployment gets traffic.")
    ]


def test_targets_and_base_specs_have_other_spellings_too(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(SERVING % ("{$schema: x}", "{type: managed, instance_type: s}"))
    path = tmp_path / "spec.yaml"
    path.write_text("version: 1\nname: demo\nextends: base.yaml\ntargets: {prod: {endpoint: {$schema: y}}}\n")
    assert load(path, environ={}).spec.endpoint is not None


class Inner(Strict):
    value: int | None = None
    other: int | None = None


class Outer(Strict):
    spellings = (Renamed("inner_settings", "inner"), Renamed("inner_value", "inner.value"))
    inner: Inner | None = None
    free: int | None = None


class Whole(Strict):
    known: ClassVar[int] = 1
    compute: Outer | None = None


@pytest.fixture
def _of_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phift.spec.spellings.Spec", Whole)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{inner_settings: {value: 1}}", {"inner": {"value": 1}}),
        ("{inner_value: 1}", {"inner": {"value": 1}}),
        ("{inner_value: 1, inner_settings: {other: 2}, free: 3}", {"inner": {"value": 1, "other": 2}, "free": 3}),
        ("{inner_settings: }", {"inner": None}),
    ],
)
@pytest.mark.usefixtures("_of_whole")
def test_renamed_keys(written: str, expected: dict[str, Any]) -> None:
    tree, _ = parse(f"compute: {written}", "f")
    assert tree is not None
    tree, found = respelled(tree)
    assert (plain(tree)["compute"], found) == (expected, [])
    leaf = tree.nearest(("compute", "inner", "value"))
    assert leaf.written[1] in ("inner_value", "inner_settings")


@pytest.mark.parametrize(
    ("written", "summary"),
    [
        ("{inner: {}, inner_settings: {}}", "compute.inner_settings and inner are the same setting"),
        ("{inner: {value: 1}, inner_value: 2}", "compute.inner_value and inner.value are the same setting"),
    ],
)
@pytest.mark.usefixtures("_of_whole")
def test_both_spellings(written: str, summary: str) -> None:
    tree, _ = parse(f"compute: {written}", "f")
    assert tree is not None
    assert [found.summary for found in respelled(tree)[1]] == [summary]


def texts_of(annotation: Any) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from (value for value in get_args(annotation) if isinstance(value, str))
    for inner in get_args(annotation) if get_origin(annotation) is not Literal else ():
        yield from texts_of(inner)


OF_PHIFT = {"model_defaults", "on_unknown", "strategy", "traffic"}
"""Enumerations that only phift has; so are those of `data`."""


@pytest.mark.parametrize(
    "block", [one for one in BLOCKS if not one.__module__.startswith("phift.kinds.data")], ids=lambda one: one.__name__
)
def test_the_enumerations_of_azure_accept_any_case(block: type[Strict]) -> None:
    for name, field in block.model_fields.items():
        if name not in OF_PHIFT and list(texts_of(field.annotation)):
            assert AnyCase in field.metadata, f"{block.__name__}.{name}: add AnyCase, or list it as phift's own"


@pytest.mark.parametrize("block", [Spec, *BLOCKS], ids=lambda one: one.__name__)
def test_other_spellings_do_not_hide_a_field(block: type[Strict]) -> None:
    fields = {field.alias or name for name, field in block.model_fields.items()}
    for spelling in block.spellings:
        match spelling:
            case Renamed(key, to):
                assert key not in fields
                assert to.split(".")[0] in fields
            case Implied(key) | Elsewhere(key):
                assert key not in fields
            case NumbersAsText(key):
                assert key in fields


def test_a_block_as_a_value_of_the_api_takes_any_case() -> None:
    field = next(block for block in blocks_below(Spec) if block.__name__ == "EndpointBlock")
    assert field.model_validate({"auth_mode": "AMLToken"}).auth_mode == "aml_token"  # type: ignore[attr-defined]
    with pytest.raises(ValidationError):
        field.model_validate({"auth_mode": "other"})
