"""Every example spec loads for each of its targets, fits the catalogue, and has data that prepares."""

from pathlib import Path

import pytest
import yaml

from phift import catalog
from phift.data.blobs import Stores
from phift.data.prepare import prepare
from phift.spec import AssetRef, ComputeBlock, ComputeRef, LoadedSpec, load
from phift.workbench.sessions import Shared
from phift.workbench.sources import resolved_sources

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
ENVIRONMENT = {
    "AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000001",
    "AZURE_RESOURCE_GROUP": "rg",
    "AZURE_WORKSPACE_NAME": "ws",
}
CASES = [(path, target) for path in CONFIGS for target in yaml.safe_load(path.read_text())["targets"]]
NAMES = [f"{path.stem}-{target}" for path, target in CASES]


@pytest.fixture(params=CASES, ids=NAMES)
def loaded(request: pytest.FixtureRequest) -> LoadedSpec:
    path, target = request.param
    return load(path, target=target, environ=ENVIRONMENT)


def test_there_are_examples() -> None:
    assert {"quickstart", "phi3-ultrachat", "phi4"} <= {path.stem for path in CONFIGS}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_local_needs_nothing_from_the_environment(path: Path) -> None:
    spec = load(path, target="local", environ={})
    assert spec.target.local
    assert spec.env_names == ()
    assert spec.warnings == ()


def test_the_quickstart_is_local_by_default() -> None:
    assert load(CONFIGS[0].parent / "quickstart.yaml", environ={}).stack == "quickstart"


def _trains(loaded: LoadedSpec) -> None:
    if loaded.spec.finetune is None:
        pytest.skip("it serves without training")


def test_compute_is_on_the_lists(loaded: LoadedSpec) -> None:
    _trains(loaded)
    finetune, base = loaded.spec.compute.finetune, loaded.spec.base_model
    assert isinstance(finetune, ComputeBlock | ComputeRef)
    assert isinstance(base, AssetRef)
    model = catalog.model(base.name)
    assert model is not None
    size = finetune.size if isinstance(finetune, ComputeBlock) else finetune.serverless
    assert size in model.finetune_computes
    assert catalog.vm_size(size) is not None


def test_parameters_fit_the_component(loaded: LoadedSpec) -> None:
    _trains(loaded)
    finetune = loaded.spec.finetune
    assert finetune is not None
    component = catalog.component(finetune.component.name)
    assert component is not None
    assert component.interface.check(finetune.parameters) == []


def _no_workspace() -> Stores:
    raise AssertionError("no example's data lies in a workspace")


@pytest.mark.usefixtures("seed_hub")
def test_data_prepares(loaded: LoadedSpec, tmp_path: Path) -> None:
    found = resolved_sources(loaded, None, Shared(), _no_workspace)
    assert found.facts.keys() >= ({"train", "test"} if loaded.spec.finetune else set())
    for split, fact in found.facts.items():
        assert fact.recipe is not None
        done = prepare(fact.recipe, tmp_path / f"{split}.jsonl")
        count = fact.recipe.take.count
        assert done.rows == count if count else done.rows >= (20 if loaded.spec.finetune else 1)
