"""docs/api.md: every name with its signature as it is, and examples that run."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from support import Project

from phift import api

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
STUBS = re.findall(r"^```pyi\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
GIT = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")


def declaration(name: str) -> str:
    """A public name as a stub has it."""
    found = getattr(api, name)
    return _function(found) if inspect.isfunction(found) else "\n".join(_class(found))


class _Written(str):
    """An annotation that is shown as it was written."""

    def __repr__(self) -> str:
        return str(self)


def _function(found: Any) -> str:
    signature = inspect.signature(found)
    parameters = [
        one if one.annotation is one.empty else one.replace(annotation=_Written(one.annotation))
        for one in signature.parameters.values()
    ]
    shown = signature.replace(parameters=parameters, return_annotation=_Written(signature.return_annotation))
    return re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", f"def {found.__name__}{shown}: ...")


def _class(found: type) -> Iterator[str]:
    yield f"class {found.__name__}:"
    assert is_dataclass(found)
    for one in fields(found):
        if not one.name.startswith("_"):
            default = "" if one.default is MISSING and one.default_factory is MISSING else " = ..."
            yield f"    {one.name}: {one.type}{default}"
    for name, member in vars(found).items():
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            yield f"    @property\n    {_function(member.fget)}"
        elif isinstance(member, classmethod):
            yield f"    @classmethod\n    {_function(member.__func__)}"
        elif inspect.isfunction(member):
            yield f"    {_function(member)}"


def as_parsed(stub: str) -> str:
    """Without what only formats it."""
    return ast.unparse(ast.parse(stub))


@pytest.mark.parametrize("name", api.__all__)
def test_every_name_is_documented_with_its_signature_and_contract(name: str) -> None:
    written = {as_parsed(stub) for stub in STUBS if re.match(rf"(def|class) {name}\b", stub)}
    assert written == {as_parsed(declaration(name))}, f"docs/api.md should hold:\n{declaration(name)}"
    assert f"### `{name}`" in PAGE
    said = " ".join(str(getattr(api, name).__doc__).split())
    assert said in " ".join(PAGE.split())


def test_nothing_else_is_documented() -> None:
    assert re.findall(r"^### `(\w+)`$", PAGE, re.MULTILINE) == [
        match[1] for stub in STUBS if (match := re.match(r"(?:def|class) (\w+)", stub))
    ]
    assert len(STUBS) == len(api.__all__)
    assert sorted(api.__all__, key=lambda name: (not name[0].isupper(), name)) == api.__all__
    assert [name for name in api.__all__ if not hasattr(api, name)] == []


def test_every_function_says_what_it_raises() -> None:
    silent = {"validate"}
    functions = [name for name in api.__all__ if inspect.isfunction(getattr(api, name)) and name not in silent]
    assert [name for name in functions if "raises" not in str(getattr(api, name).__doc__).lower()] == []


def test_only_keywords_follow_the_first_arguments() -> None:
    for name in (n for n in api.__all__ if inspect.isfunction(getattr(api, n))):
        first, *others = inspect.signature(getattr(api, name)).parameters.values()
        assert first.name in {"spec", "path", "endpoint", "job"}
        assert all(one.kind is one.KEYWORD_ONLY for one in others if one.name != "plan"), name


def test_the_examples_run(served: Project, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["init", "--quiet"], ["add", "."], [*GIT, "commit", "--quiet", "-m", "a"]):
        subprocess.run(["git", *words], check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull})
    names: dict[str, Any] = {"__name__": "examples"}
    for number, example in enumerate(EXAMPLES):
        exec(compile(example, f"docs/api.md, example {number + 1}", "exec"), names)
    assert len(EXAMPLES) >= 8
    assert names["result"].ok
    assert json.loads(Path("plan.json").read_text(encoding="utf-8"))["format_version"].startswith("1.")
    assert "create" in capsys.readouterr().out
