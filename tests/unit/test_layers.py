"""The direction of imports: a layer imports its own and lower numbers, folders of one layer not each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "phift"

LAYERS = {
    0: {
        "__init__",
        "errors",
        "diagnostics",
        "address",
        "digest",
        "clock",
        "git",
        "home",
        "files",
        "globs",
        "inert",
        "once",
        "concealing",
    },
    1: {"graph", "spec", "catalog", "explain", "resources.rules"},
    2: {"lock", "data", "compile", "ledger"},
    3: {"azure", "resources.base", "plan", "defaults"},
    4: {"resources.kinds", "resources.registry"},
    5: {"apply", "preflight"},
    6: {"phases"},
    7: {"views", "api"},
    8: {"cli", "__main__"},
}
LAYER_OF = {room: number for number, rooms in LAYERS.items() for room in rooms}

# Layers whose rooms may see each other: the entities of the world (azure) and what reads them.
NEIGHBOURS = {("resources.base", "azure"), ("preflight", "spec"), ("resources.registry", "resources.kinds")}
STARTERS = ("cli", "azure.sessions")
"""Who starts the emulator: a room, or one module of it."""
EMULATOR_SEES = LAYERS[0] | {"catalog", "emulator"}

ONLY_UNDER = {
    "azure.ai.ml": ("azure", "resources.kinds"),
    "rich": ("views",),
    "typer": ("cli",),
    "torch": ("emulator",),
    "transformers": ("emulator",),
    "starlette": ("emulator",),
    "sqlite3": ("emulator",),
    "datasets": ("data",),
    "huggingface_hub": ("data", "emulator"),
    "httpx2": ("data",),
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(module: str) -> str:
    """`phift.resources.kinds.job` is in the room resources.kinds, `phift.plan.diff` in plan."""
    parts = module.split(".")[1:]
    if not parts:
        return "__init__"
    if parts[0] == "resources":
        return ".".join(parts[:2]) if len(parts) > 1 else "resources"
    return parts[0]


def name_of(path: Path) -> str:
    parts = list(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[str]:
    """Every module a file imports, at any depth; `from a import b` counts as a.b, which names rooms exactly."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def type_checking_only(path: Path) -> set[str]:
    """Imports that only the type checker makes."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for inner in ast.walk(node):
                if isinstance(inner, ast.ImportFrom) and inner.module:
                    found |= {f"{inner.module}.{alias.name}" for alias in inner.names}
    return found


def violation(importer: str, imported: str) -> str:
    here, there = room_of(importer), room_of(imported)
    if here == there or there in ("__init__", "resources") or (there.startswith("__") and there != "__main__"):
        return ""  # phift itself and its __version__
    if here == "emulator":
        return "" if there in EMULATOR_SEES else "emulator/ sees only layer 0 and catalog"
    if there == "emulator":
        starts = here in STARTERS or importer.removeprefix("phift.") in STARTERS
        return "" if starts else f"only {' and '.join(STARTERS)} start the emulator"
    low, high = LAYER_OF[there], LAYER_OF[here]
    if low < high or (here, there) in NEIGHBOURS or low == high == 0 or here == "__main__":
        return ""
    return f"layer {high} ({here}) imports layer {low} ({there})"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_downwards(path: Path) -> None:
    importer = name_of(path)
    wrong = [
        f"{imported}: {why}"
        for imported in imports_of(path)
        if imported == "phift" or imported.startswith("phift.")
        if (why := violation(importer, imported))
    ]
    assert not wrong


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_heavy_imports_stay_in_their_rooms(path: Path) -> None:
    room = room_of(name_of(path))
    wrong = [
        f"{imported} belongs under {', '.join(rooms)}"
        for imported in set(imports_of(path)) - type_checking_only(path)
        for library, rooms in ONLY_UNDER.items()
        if (imported == library or imported.startswith(f"{library}.")) and room not in rooms
    ]
    assert not wrong


def test_every_room_has_a_layer() -> None:
    rooms = {room_of(name_of(p)) for p in MODULES} - {"emulator", "resources"}
    assert rooms <= set(LAYER_OF)


def test_a_wrong_direction_is_seen() -> None:
    assert violation("phift.plan.diff", "phift.apply.runner")
    assert violation("phift.spec.loader", "phift.graph.dag")
    assert violation("phift.emulator.core.app", "phift.azure.rest")
    assert violation("phift.phases.planning", "phift.emulator.host.lifecycle")
    assert violation("phift.api", "phift.views.json")
    assert violation("phift.api", "phift.cli.connect")
    assert not violation("phift.apply.runner", "phift.plan.model")
