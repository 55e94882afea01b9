"""Inside the emulator: folders import downwards, no module imports itself through others, none is named by a string."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EMULATOR = ROOT / "phift" / "emulator"

LAYERS = {"core": 0, "runtime": 1, "services": 2, "compose": 3, "host": 4}
"""What a folder may import: itself and lower numbers."""

HEAVY = {"torch", "transformers", "peft", "mlflow", "datasets", "safetensors", "tokenizers", "accelerate"}
"""Libraries that take seconds to import."""


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(EMULATOR.rglob("*.py"))}


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """All of a module at any depth, but for what only the type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for other in node.orelse:
                yield other
                yield from statements(other)
            continue
        yield node
        yield from statements(node)


def imports_of(source: str, modules: set[str]) -> set[str]:
    """The modules among `modules` that a source imports, inside functions too."""
    found: set[str] = set()
    for node in statements(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                found.add(module if module in modules else node.module)
    return found & modules


def graph() -> dict[str, set[str]]:
    return {name: imports_of(path.read_text(encoding="utf-8"), set(MODULES)) for name, path in MODULES.items()}


def test_no_module_imports_itself_through_others() -> None:
    """In the whole package."""
    modules = {name_of(path): path for path in sorted((ROOT / "phift").rglob("*.py"))}
    imports = {name: imports_of(path.read_text(encoding="utf-8"), set(modules)) for name, path in modules.items()}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


def test_a_cycle_is_seen() -> None:
    sources = {"a": "import b", "b": "def f():\n    from a import x", "c": "if TYPE_CHECKING:\n    import c"}
    found = {name: imports_of(source, set(sources)) for name, source in sources.items()}
    assert found == {"a": {"b"}, "b": {"a"}, "c": set()}
    with pytest.raises(CycleError):
        TopologicalSorter(found).prepare()


@pytest.mark.parametrize("name", sorted(MODULES))
def test_folders_import_downwards(name: str) -> None:
    wrong = [
        each
        for each in graph_of(name)
        if (here := folder_of(name)) and (there := folder_of(each)) and LAYERS[there] > LAYERS[here]
    ]
    assert not wrong


def graph_of(name: str) -> set[str]:
    return imports_of(MODULES[name].read_text(encoding="utf-8"), set(MODULES))


def folder_of(name: str) -> str:
    """Of a module of the emulator; "" for the package itself."""
    parts = name.split(".")
    return parts[2] if len(parts) > 2 else ""


def test_every_folder_has_a_layer() -> None:
    assert {folder_of(name) for name in MODULES} - {""} == set(LAYERS)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_only_the_composition_knows_routes_and_finishers(name: str) -> None:
    """A service meets another by its state, rules or documents, never by its handlers."""
    answering = {each for each in graph_of(name) if each.endswith((".routes", ".finishers"))}
    assert not answering or folder_of(name) == "compose"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_heavy_libraries_stay_in_the_runtime(name: str) -> None:
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    heavy = {each for each in imported if each.split(".")[0] in HEAVY}
    assert not heavy or folder_of(name) == "runtime"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_nothing_is_imported_or_found_behind_the_graph(name: str) -> None:
    """Imports by a string and global tables of what belongs to one emulator hide the graph from tools and readers."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    hidden = {"import_module", "__import__", "WeakKeyDictionary", "WeakValueDictionary"} & names
    assert not hidden
