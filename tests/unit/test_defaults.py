"""What `phift render` adds from the lock file: values, their origins, and a note where nothing is pinned."""

from pathlib import Path

import pytest

from phift import spec as specs
from phift.catalog import component
from phift.defaults import defaults_of
from phift.lock import PinnedComponent, PinnedModel, StackLock, lock_path, update_lock
from phift.spec import LoadedSpec

MODEL = "azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest"
PIPELINE = "azureml://registries/azureml/components/chat_completion_pipeline/labels/latest"
SPEC = f"""\
version: 1
name: facts
base_model: {MODEL}
data: {{train: {{path: rows.jsonl}}}}
compute: {{finetune: {{name: gpu, size: Standard_NC24ads_A100_v4}}}}
finetune:
  component: {PIPELINE}
  parameters: {{learning_rate: 0.1}}
model: {{name: facts}}
targets: {{local: {{default: true}}}}
"""


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedSpec:
    (tmp_path / "rows.jsonl").write_text("{}\n")
    (tmp_path / "spec.yaml").write_text(SPEC)
    return specs.load(tmp_path / "spec.yaml")


def pin(loaded: LoadedSpec, version: str) -> None:
    defaults: dict[str, str | int | float | bool] = {"learning_rate": "5e-6", "apply_lora": "true", "unheard_of": 1}
    model = PinnedModel(requested=MODEL, id=f"{MODEL}/16", version="16", model_defaults=defaults)
    pipeline = PinnedComponent(requested=PIPELINE, id=f"{PIPELINE}/{version}", version=version)
    update_lock(lock_path(loaded.path), {loaded.stack: StackLock(base_model=model, component=pipeline)})


def test_what_is_pinned_fills_what_the_author_left_out(loaded: LoadedSpec) -> None:
    known = component("chat_completion_pipeline")
    assert known
    pin(loaded, known.version)
    found = defaults_of(loaded)
    value, origin = found.values["finetune.parameters.apply_lora"]
    assert (value, str(origin)) == (True, "model default Phi-3-mini-4k-instruct:16")
    assert str(found.values["finetune.parameters.lora_dropout"][1]).startswith("component default chat_completion")
    assert "finetune.parameters.learning_rate" not in found.values
    assert "unheard_of" in found.notes[0]
    text = specs.render_yaml(loaded, found.values)
    (loaded.path.parent / "again.yaml").write_text(text)
    assert specs.load(loaded.path.parent / "again.yaml").spec.finetune


def test_without_a_pin_it_says_so(loaded: LoadedSpec) -> None:
    found = defaults_of(loaded)
    assert not found.values
    assert "not pinned yet" in found.notes[0]


def test_another_version_of_the_component_is_not_guessed(loaded: LoadedSpec) -> None:
    pin(loaded, "0.0.1")
    found = defaults_of(loaded)
    assert not found.values
    assert "chat_completion_pipeline:0.0.1" in found.notes[0]
