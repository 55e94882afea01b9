"""`code_configuration.code` is a folder, or registered code."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from phift.kinds.deployment.spec import CodeConfiguration


def written(code: str) -> CodeConfiguration:
    return CodeConfiguration.model_validate({"code": code, "scoring_script": "score.py"})


def test_registered_code() -> None:
    asset = written("azureml:b18af991-fd7e:1").asset
    assert asset is not None
    assert (asset.name, asset.version) == ("b18af991-fd7e", "1")


@pytest.mark.parametrize("folder", ["code", "./azureml", "../code"])
def test_a_folder(folder: str) -> None:
    assert written(folder).asset is None


@pytest.mark.parametrize(
    "code", ["azureml:code@latest", "azureml:code", "azureml://registries/r/codes/c/versions/1", "azureml:"]
)
def test_neither(code: str) -> None:
    with pytest.raises(ValidationError):
        written(code)
