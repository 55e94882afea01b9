"""Check a scoring script before it is uploaded: the inference server calls its functions init and run."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from phift.diagnostics import Diagnostic
from phift.files import UnfitFileError, read_regular
from phift.folders import Folder

__all__ = ["script_problem"]

_CALLED = ("init", "run")
_MOST_BYTES = 5_000_000
_ANY = "*"
_DEFINE = "The inference server calls init() once and run(data) for each request: define both."


def script_problem(folder: Folder, name: str) -> Diagnostic | None:
    """Return the problem of a script by its name in the folder, or None.

    The version of Python in the container is unknown: a syntax error counts, other versions of the syntax are rare.
    """
    file = next((file for file in folder.files if file.name == name.removeprefix("./")), None)
    if file is None:
        scripts = ", ".join(file.name for file in folder.files if file.name.endswith(".py"))
        remedy = (
            f"Its scripts: {scripts}." if scripts else "The name is relative to deployment.code_configuration.code."
        )
        return Diagnostic(f"no scoring script {name} in {folder.name}", remedy=remedy, code="script-missing")
    try:
        tree = ast.parse(read_regular(file.path, _MOST_BYTES))
    except UnfitFileError as error:
        return Diagnostic(f"{name}: {error.strerror}", remedy=_DEFINE, code="script-invalid")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        why = error.msg if isinstance(error, SyntaxError) else "it is not Python source text"
        return Diagnostic(f"{name}{line}: {why}", remedy="Fix the script.", code="script-invalid")
    bound = set(_bound(tree.body))
    if _ANY in bound or not (missing := [f"{each}()" for each in _CALLED if each not in bound]):
        return None
    return Diagnostic(f"{name} does not define {' and '.join(missing)}", remedy=_DEFINE, code="script-invalid")


def _bound(body: list[ast.stmt]) -> Iterator[str]:
    """Yield the names that statements of a module bind; `*` for names that only running it shows."""
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (alias.asname or alias.name for alias in names)
            case ast.Assign(targets=targets):
                yield from (inner.id for each in targets for inner in ast.walk(each) if isinstance(inner, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.If() | ast.Try() | ast.With() | ast.For() | ast.While():
                yield from _bound([inner for inner in ast.iter_child_nodes(node) if isinstance(inner, ast.stmt)])
                if isinstance(node, ast.Try):
                    yield from (name for handler in node.handlers for name in _bound(handler.body))
            case _:
                continue
