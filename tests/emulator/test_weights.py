"""Real weights instead of the stand-in: what is accepted, what the registry then publishes, and that they are used."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hub import VARIABLES, Hub

from phift.emulator.host import lifecycle
from phift.emulator.runtime.foundation import WEIGHTS
from phift.emulator.runtime.foundation.folder import UnusableModel, inspect
from phift.emulator.runtime.foundation.weights import InvalidName, WeightsStore, room_for
from phift.emulator.services.registry.publish import recommended
from tests.emulator.client import Azure
from tests.emulator.serving import Serving, chat
from tests.emulator.test_job_submission import history, pipeline, put_data, submit, wait

NAME = "Phi-3-mini-4k-instruct"
MODELS = "/mferp/managementfrontend/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices"
MODELS += "/registries/{registry}/models"
HOST = "cert-eastus.experiments.azureml.net"
API = "2021-10-01-dataplanepreview"


def fill(target):
    shutil.copytree(WEIGHTS, target, dirs_exist_ok=True)


def changed(target):
    fill(target)
    (target / "generation_config.json").unlink()


def newest(azure, name, registry="azureml"):
    answer = azure.call("GET", f"{MODELS.format(registry=registry)}/{name}/versions", host=HOST, api=API)
    assert answer.status_code == 200, answer.text
    return (answer.json()["value"] or [None])[0]


# folders


def test_a_model_folder_is_read_without_loading_it():
    found = inspect(WEIGHTS)
    assert (found.architecture, found.dtype, found.chat) == ("Phi3ForCausalLM", "float32", True)
    assert (found.parameters, found.hidden_size, found.context_window) == (539776, 128, 512)
    assert {file.name for file in found.files} == {path.name for path in WEIGHTS.iterdir()}
    assert found.files[-1].name == "model.safetensors"


def config(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def index(folder, shards):
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))


def quantized(folder):
    header = json.dumps({"w": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda f: (f / "config.json").unlink(), "config.json is missing"),
        (lambda f: (f / "config.json").write_text("{"), "config.json is not JSON"),
        (lambda f: (f / "config.json").write_text("[]"), "config.json is not a JSON object"),
        (lambda f: (f / "config.json").write_text("{}"), "config.json does not name an architecture"),
        (lambda f: config(f, architectures=["OwnForCausalLM"], auto_map={"a": "b"}), "not have OwnForCausalLM; code"),
        (lambda f: config(f, architectures=["BertModel"]), "BertModel is not a causal language model"),
        (lambda f: (f / "tokenizer.json").unlink(), "tokenizer.json is missing"),
        (lambda f: (f / "model.safetensors").unlink(), "model.safetensors is missing"),
        (lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"), "can run code when it is loaded"),
        (lambda f: (f / "model.safetensors").write_bytes(b"x" * 100), "model.safetensors is not a safetensors file"),
        (lambda f: os.truncate(f / "model.safetensors", 2_000_000), "model.safetensors is damaged: 2000000 bytes long"),
        (quantized, "the weights are U8: quantized weights cannot be fine-tuned here"),
        (lambda f: index(f, {}), "lists no tensors"),
        (lambda f: index(f, {"a": "../x"}), "names '../x', which is not a file of the folder"),
        (lambda f: index(f, {"a": "two.safetensors"}), "two.safetensors is missing"),
        (lambda f: index(f, {"a": "model.safetensors"}), "model.safetensors does not contain a, which"),
    ],
)  # fmt: skip
def test_a_folder_that_is_not_a_usable_model_is_named(tmp_path, damage, text):
    fill(tmp_path)
    damage(tmp_path)
    with pytest.raises(UnusableModel, match=text.replace("(", r"\(")):
        inspect(tmp_path)


def test_only_what_belongs_to_the_model_is_kept(tmp_path):
    fill(tmp_path)
    (tmp_path / "run.py").write_text("print()")
    (tmp_path / "original").mkdir()
    assert not {"run.py", "original"} & {file.name for file in inspect(tmp_path).files}


# the store


def test_weights_are_kept_replaced_and_removed(tmp_path):
    store = WeightsStore(tmp_path)
    assert store.list() == []
    first, _ = store.add(NAME, "somewhere", fill)
    again, _ = store.add(NAME.lower(), "elsewhere", fill)
    assert (again, store.find(NAME.upper())) == (first, first)
    other, _ = store.add(NAME, "hub/other", changed)
    assert (first.number, other.number) == (1, 2)
    assert other.digest != first.digest
    assert not first.path.exists()
    with pytest.raises(UnusableModel):
        store.add(NAME, "broken", lambda target: None)
    with pytest.raises(InvalidName):
        store.add("../up", "x", fill)
    assert WeightsStore(tmp_path).list() == [other]
    assert store.remove(NAME) == other
    assert store.remove(NAME) is None
    assert {path.name for path in (tmp_path / "weights").iterdir()} == {"weights.json", ".lock"}
    assert store.add(NAME, "somewhere", fill)[0].number == 3  # a number never comes back with other weights


def test_what_the_machine_lacks_is_told(tmp_path):
    from dataclasses import replace

    contents = inspect(WEIGHTS)
    assert room_for(contents, tmp_path) == []
    memory, disk = room_for(replace(contents, parameters=10**13, bytes=10**15), tmp_path)
    assert memory.startswith("Serving it takes 40000.0 GB of memory, and this machine has ")
    assert disk.startswith("A fine-tune takes 4000000.0 GB of disk space, and ")


# the registry


def test_documents_of_a_model_with_weights(served, azure):
    before = newest(azure, NAME)
    store = WeightsStore(Path(served.home) if hasattr(served, "home") else Path(azure.admin("GET", "/status")["home"]))
    weights, _ = store.add(NAME, "owner/model", fill)
    own, _ = store.add("My-Model", "owner/model", fill)
    try:
        document = newest(azure, NAME)
        tags = document["properties"]["tags"]
        assert int(document["name"]) == int(before["name"]) + 1
        assert not {"phift.stand_in", "phift.no_weights"} & set(tags)
        assert (tags["phift.weights"], tags["phift.weights.source"]) == ("true", "owner/model")
        assert document["properties"]["systemMetadata"] == before["properties"]["systemMetadata"]
        listed = azure.call("GET", f"{MODELS.format(registry='azureml')}/{NAME}/versions", host=HOST, api=API)
        assert not any("phift.stand_in" in each["properties"]["tags"] for each in listed.json()["value"])

        mine = newest(azure, "my-model")
        assert (mine["name"], mine["properties"]["tags"]["task"]) == ("1", "chat-completion")
        assert mine["properties"]["tags"]["model_specific_defaults"] == repr(recommended(own))
        names = azure.call("GET", MODELS.format(registry="azureml"), host=HOST, api=API).json()["value"]
        assert "My-Model" in {each["name"] for each in names}
        assert newest(azure, "My-Model", "azureml-meta") is None
    finally:
        store.remove(NAME)
        store.remove("My-Model")
    assert newest(azure, NAME) == before
    assert newest(azure, "My-Model") is None
    assert recommended(weights) == {
        "apply_lora": "true", "lora_r": 32, "lora_alpha": 64, "learning_rate": 5e-3, "precision": "32",
    }  # fmt: skip


# the hub


def phift(home, hub_url, *arguments, **variables):
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    environment |= {
        "PHIFT_HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "HF_ENDPOINT": hub_url,
        "HF_HUB_DISABLE_XET": "1",
    }
    environment |= variables
    command = [sys.executable, "-m", "phift", "emulator", "weights", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_weights_are_downloaded_from_the_hub_that_the_environment_names(tmp_path):
    with Hub(tmp_path / "blobs") as hub:
        files = {path.name: path for path in WEIGHTS.iterdir()} | {"train.py": b"print()"}
        sha = hub.commit("some/tiny", files)
        done = phift(tmp_path, hub.url, "add", "Tiny", "some/tiny", "--revision", sha)
        assert done.returncode == 0, done.stderr
        assert done.stdout == "Added Tiny version 1: Phi3ForCausalLM, 540k parameters, 2.1 MiB\n"
        [weights] = WeightsStore(tmp_path).list()
        assert weights.source == f"some/tiny@{sha}"
        assert {path.name for path in weights.path.iterdir()} == {path.name for path in WEIGHTS.iterdir()}
        hub.commit("some/closed", files, gated="manual")
        done = phift(tmp_path, hub.url, "add", "Closed", "some/closed")
        assert "access is restricted at" in " ".join(done.stderr.split())
        done = phift(tmp_path, hub.url, "add", "Tiny", "some/tiny", "--revision", "none")
        assert "some/tiny does not have the revision none" in done.stderr
    done = phift(tmp_path, hub.url, "add", "Tiny", "some/tiny", HF_HUB_OFFLINE="1")
    assert done.returncode == 1
    assert "some/tiny: HF_HUB_OFFLINE is set" in done.stderr
    assert WeightsStore(tmp_path).list() == [weights]


# from weights to a deployment


@pytest.mark.slow
def test_other_weights_are_fine_tuned_registered_and_served(home, tmp_path):
    """A model of another architecture with random weights: nothing of the stand-in but its tokenizer."""
    make = (
        "import sys; from transformers import LlamaConfig, LlamaForCausalLM\n"
        "sizes = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2)\n"
        "config = LlamaConfig(vocab_size=1024, max_position_embeddings=128, pad_token_id=0, **sizes)\n"
        "LlamaForCausalLM(config).save_pretrained(sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", make, tmp_path / "tiny"], check=True, timeout=300)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(WEIGHTS / name, tmp_path / "tiny")
    done = phift(home, "", "add", "Tiny-Llama", str(tmp_path / "tiny"))
    assert done.returncode == 0, done.stderr

    azure = Azure(lifecycle.ensure(home, idle_seconds=600))
    put_data(azure)
    model = "azureml://registries/azureml/models/Tiny-Llama/labels/latest"
    steps = {"max_steps": "2", "per_device_train_batch_size": "1", "apply_lora": "true"}
    submit(azure, "on-weights", pipeline(model=model, **steps))
    document = wait(azure, "on-weights", 240)
    assert document["properties"]["status"] == "Completed", history(azure, "on-weights")
    node = history(azure, "on-weights/children")["value"][0]["runId"]
    logs = [
        history(azure, f"{each['runId']}/details")["logFiles"] for each in history(azure, f"{node}/children")["value"]
    ]
    said = "".join(azure.session.get(files["user_logs/std_log.txt"]).text for files in logs)
    assert "stand-in" not in said
    assert "LoRA: " in said

    serving = Serving(azure)
    serving.endpoint("weights")
    output = "azureml://datastores/workspaceblobstore/paths/azureml/on-weights/trained_model"
    body = {"properties": {"modelType": "mlflow_model", "modelUri": output}}
    assert azure.call("PUT", "models/tuned/versions/1", body, api="2023-08-01-preview").status_code in (200, 201)
    for name, deployed in (("tuned", f"{azure.workspace}/models/tuned/versions/1"), ("base", model)):
        serving.deployment("weights", name, deployed.replace("labels/latest", "versions/1"))
        answer = serving.score("weights", chat("Hi"), deployment=name)
        assert answer.status_code == 200, answer.text
        assert isinstance(answer.json()["output"], str)
