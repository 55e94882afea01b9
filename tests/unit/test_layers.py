"""The direction of imports: a layer imports its own and lower numbers, folders of one layer not each other."""

import ast
import re
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
        "workspace",
        "digest",
        "display",
        "clock",
        "git",
        "home",
        "files",
        "folders",
        "globs",
        "ignoring",
        "inert",
        "lazy",
        "exits",
        "once",
        "posix",
        "concealing",
        "startup",
    },
    1: {"graph", "spec", "catalog", "explain", "forge", "workflows"},
    2: {"lock", "data", "editor", "ledger", "state", "kinds.parameters"},
    3: {"azure", "compile", "plan", "defaults", "estimate"},
    4: {"kinds"},
    5: {"apply", "preflight", "loops", "cost"},
    6: {"workbench"},
    7: {"phases"},
    8: {"views", "api"},
    9: {"cli", "__main__"},
}
LAYER_OF = {room: number for number, rooms in LAYERS.items() for room in rooms}

# A kind's block of the spec belongs to the spec, and what it merges without a workspace is below the workspace.
OF_SPEC = re.compile(r"kinds\.\w+\.(spec|messages|rollout|component|tasks)(\.|$)")
OF_PARAMETERS = re.compile(r"kinds\.\w+\.parameters(\.|$)")
# The loops over the kinds are above them, in the folders of what they make.
LOOPS = re.compile(r"(compile\.compiler|plan\.(planner|removal))(\.|$)")
STARTERS = ("cli", "azure.sessions")
"""Who starts the emulator: a room, or one module of it."""
EMULATOR_SEES = LAYERS[0] | {"catalog", "emulator"}

ONLY_UNDER = {
    "azure.ai.ml": ("azure", "kinds"),
    "rich": ("views",),
    "typer": ("cli", "startup"),
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
    """`phift.kinds.job.wire` is in the room kinds, `phift.kinds.job.spec` in spec, `phift.plan.diff` in plan."""
    path = module.partition(".")[2]
    if path == "kinds" or OF_SPEC.match(path):
        return "spec"
    if OF_PARAMETERS.match(path):
        return "kinds.parameters"
    return "loops" if LOOPS.match(path) else path.partition(".")[0] or "__init__"


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
    if here == there or there == "__init__" or (there.startswith("__") and there != "__main__"):
        return ""  # phift itself and its __version__
    if here == "emulator":
        return "" if there in EMULATOR_SEES else "emulator/ sees only layer 0 and catalog"
    if there == "emulator":
        starts = here in STARTERS or importer.removeprefix("phift.") in STARTERS
        return "" if starts else f"only {' and '.join(STARTERS)} start the emulator"
    low, high = LAYER_OF[there], LAYER_OF[here]
    if low < high or low == high == 0 or here == "__main__":
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
    rooms = {room_of(name_of(p)) for p in MODULES} - {"emulator"}
    assert rooms <= set(LAYER_OF)


def test_a_wrong_direction_is_seen() -> None:
    assert violation("phift.plan.diff", "phift.apply.runner")
    assert violation("phift.spec.loader", "phift.graph.dag")
    assert violation("phift.emulator.core.app", "phift.azure.rest")
    assert violation("phift.phases.plan_stack", "phift.emulator.host.lifecycle")
    assert violation("phift.api", "phift.views.json")
    assert violation("phift.api", "phift.cli.connect")
    assert not violation("phift.apply.runner", "phift.plan.model")


KIND = re.compile(r"phift\.kinds\.(?!shared\b)(\w+)\.")


@pytest.mark.parametrize("path", [p for p in MODULES if KIND.match(name_of(p))], ids=name_of)
def test_kinds_do_not_import_kinds(path: Path) -> None:
    """What a kind tells others is in phift.state.exports."""
    own = KIND.match(name_of(path))
    assert own is not None
    others = {f"{i}" for i in imports_of(path) if (found := KIND.match(f"{i}.")) and found[1] != own[1]}
    assert not {i for i in others if (PACKAGE / "kinds" / i.split(".")[2]).is_dir()}
