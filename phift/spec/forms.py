"""The JSON schemas of the mappings that fields accept instead of text."""

from __future__ import annotations

from typing import Any

__all__ = ["ASSET", "FILE", "FOLDER", "HUB_MODEL", "SECRET"]


def _mapping(required: str, **texts: str) -> dict[str, Any]:
    """Return the schema of a mapping to text. texts: descriptions by key."""
    return {
        "type": "object",
        "properties": {key: {"type": "string", "description": text} for key, text in texts.items()},
        "required": [required],
        "additionalProperties": False,
    }


ASSET = _mapping(
    "name",
    registry="Registry of the asset, such as azureml. Default: the workspace.",
    name="Name of the asset.",
    version="Version of the asset; or write label.",
    label="Label of the version, such as latest.",
)
HUB_MODEL = _mapping("huggingface_id", huggingface_id="Model on the Hugging Face hub, ORG/NAME.")
FOLDER = _mapping(
    "path",
    path="Folder of weights, relative to this file.",
    type="custom_model for a folder of Hugging Face, or mlflow_model. Default: by its files.",
)
FILE = _mapping(
    "path",
    path="File, relative to this file.",
    type="Always uri_file; of `az ml` YAML.",
    mode="Of `az ml` YAML, without effect.",
)
SECRET = _mapping("secret", secret="Name of the environment variable with the value, env:NAME.")
SECRET["properties"]["secret"] |= {"pattern": "^env:", "errorMessage": "Write env:NAME."}
