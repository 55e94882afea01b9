"""Examples of `phift explain`: the bad one gives exactly its code, the fixed one does not."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import REPOSITORY, Embedded

from phift import phases
from phift.diagnostics import Diagnostic
from phift.emulator.host import lifecycle
from phift.errors import InvalidSpecError, RefusedError
from phift.explain import Explanation, explanations
from phift.phases import Request, inspect_data
from phift.phases.validate_specs import validate
from phift.spec import load_all

RUN = {code: one for code, one in explanations().items() if one.run}
OFFLINE = {code: one for code, one in RUN.items() if not one.run.startswith("plan")}
PLANNED = {code: one for code, one in RUN.items() if one.run.startswith("plan")}

CONFIGS = REPOSITORY / "configs"

BESIDE = {
    "my-model/MLmodel": "flavors:\n  python_function: {loader_module: mlflow.sklearn, model_path: model.pkl}\n",
    "my-model/model.pkl": "weights",
    "weights/model.bin": "weights",
    "src/score.py": "def init(): ...\ndef run(data): ...\n",
    "conda.yml": "dependencies: [python=3.11, pip]\n",
    "requirements.txt": "torch\n",
    "image/Dockerfile": "FROM scratch\n",
}
"""Files beside the examples, which their folders and files refer to."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """An emulator of these tests: what others leave in theirs, such as a compute of another size, gives other codes."""
    home = tmp_path_factory.mktemp("explained") / "home"
    yield Embedded.start(home)
    lifecycle.stop(home)


def nobody(*_: Any) -> Any:
    raise AssertionError("no workspace is asked")


def laid_over(base: str, fragment: str) -> str:
    """The base with the top-level blocks of the fragment in place of its own; one with a version is the whole."""
    if re.search(r"^version:", fragment, re.MULTILINE):
        return fragment
    own = set(re.findall(r"^([a-z_]+):", fragment, re.MULTILINE))
    blocks = re.split(r"^(?=[a-z_]+:)", base, flags=re.MULTILINE)
    return "".join(block for block in blocks if block.partition(":")[0] not in own) + f"{fragment}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "configs"
    shutil.copytree(CONFIGS, made, ignore=shutil.ignore_patterns("phift.lock"))
    for name, content in BESIDE.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(content, encoding="utf-8")
    (made / "empty").mkdir()
    return made


def spec_of(folder: Path, text: str, how: str) -> Path:
    base = (CONFIGS / "quickstart.yaml").read_text(encoding="utf-8").replace("name: quickstart  ", "name: explained  ")
    path = folder / "spec.yaml"
    path.write_text(text + "\n" if how.endswith("whole") else laid_over(base, text), encoding="utf-8")
    return path


def found_by(one: Explanation, text: str, folder: Path, embedded: Embedded | None = None) -> set[str]:
    """The codes that the text gives."""
    how, _, more = one.run.partition(" ")
    if how == "rows":
        (folder / more).write_text(text + "\n", encoding="utf-8")
        text = f"data:\n  train: {{path: {more}}}\n"
    path = spec_of(folder, text, one.run)
    try:
        diagnostics = list(_run(how, path, embedded))
    except (InvalidSpecError, RefusedError) as error:
        diagnostics = list(error.diagnostics)
    return {d.code for d in diagnostics}


def _run(how: str, path: Path, embedded: Embedded | None) -> tuple[Diagnostic, ...]:
    match how:
        case "validate":
            return tuple(warning for one in load_all(path, environ={}) for warning in one.warnings)
        case "offline":
            return next(validate([path])).diagnostics
        case "rows" | "data":
            inspect_data.prepare_data(inspect_data.SpecData.of(Request(path, "local"), nobody), lambda *_: None)
            return ()
        case "checks":
            return inspect_data.data_stats(Request(path, "local"), nobody).findings
        case "plan":
            assert embedded is not None
            return phases.plan(Request(path, "local"), embedded.connector).warnings
    raise AssertionError(f"nobody runs {how}")


def expected(one: Explanation) -> set[str]:
    """Its own code, and what it names as coming along."""
    return {one.code, *re.split(" with | and ", one.run)[1:]}


@pytest.mark.parametrize("code", OFFLINE)
def test_examples_that_need_no_workspace(code: str, folder: Path) -> None:
    one = OFFLINE[code]
    assert found_by(one, one.bad, folder) == expected(one)
    assert found_by(one, one.good, folder) == set()


@pytest.mark.parametrize("code", PLANNED)
def test_examples_that_are_planned(code: str, folder: Path, empty: Embedded) -> None:
    one = PLANNED[code]
    assert found_by(one, one.bad, folder, empty) == expected(one)
    if not one.good.startswith("$ "):
        assert found_by(one, one.good, folder, empty) == set()
