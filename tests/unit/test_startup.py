"""The tricks that save time stand in phift/startup.py and nowhere else, and do what they say."""

import gc
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from phift import startup
from phift.lock import Lock, PinnedModel, StackLock

REPOSITORY = Path(__file__).parents[2]
TRICKS = re.compile(
    r"\bgc\.|\bimport gc\b|os\._exit\((?!130)|_run_exitfuncs|PYDANTIC_|pydantic\.plugin|__mro__|_fail_with_undefined"
    r"|sys\.modules\[|sys\.flags|setswitchinterval|sys\.setrecursionlimit"
)
"""The second Ctrl-C ends the process with 130 at once: that is what it is for."""
ELSEWHERE = ("warm.py", "daemon.py")
"""A forked child ends at once, as the exit handlers are its parent's; the emulator freezes what it has imported."""
HEAD = "# written\n"
STACK = "  one:\n    component:\n      id: a\n"


def test_no_trick_stands_anywhere_else() -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}:{number}: {line.strip()}"
        for path in sorted((REPOSITORY / "phift").rglob("*.py"))
        if path.name not in ("startup.py", *ELSEWHERE)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if TRICKS.search(line)
    ]
    assert not found


def loaded_by(*command: str) -> set[str]:
    """The modules that a command has imported when it is about to end."""
    program = (
        "import json, sys\nfrom phift import startup\nfrom phift.cli import main\n"
        "startup.leave = lambda code: (sys.stdout.write(json.dumps([code, *sys.modules])), sys.exit(0))\n"
        f"main.main({list(command)!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    code, *modules = json.loads(done.stdout)
    assert code == 0
    return set(modules)


def test_validating_imports_no_more_than_it_needs() -> None:
    modules = loaded_by("validate", "--quiet", "configs/quickstart.yaml")
    beyond = {
        "azure",
        "jinja2",
        "rich",
        "requests",
        "importlib.metadata",
        "email",
        "logging",
        "phift.lock",
        "phift.workbench.open",
    }
    assert not beyond & modules
    assert "phift.spec.loader" in modules


def test_what_else_pydantic_wants_of_the_module_it_looks_for_plugins_with_is_there() -> None:
    program = (
        "import importlib, sys\nfrom phift import startup\nstartup.begin()\n"
        "loader = importlib.import_module('pydantic.plugin._loader')\n"
        "assert loader.get_plugins() == ()\n"
        "print(loader.PYDANTIC_ENTRY_POINT_GROUP)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == "pydantic\n"


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_is_collected_again_afterwards_where_it_was_before(enabled: bool) -> None:
    try:
        if not enabled:
            gc.disable()
        with startup.uncollected():
            assert not gc.isenabled()
        assert gc.isenabled() is enabled
        assert not gc.get_freeze_count()  # this process is not a command's alone
    finally:
        gc.enable()


def test_the_process_of_a_command_does_not_look_through_what_it_made() -> None:
    program = (
        "import gc\nfrom phift import startup\nstartup.begin()\n"
        "with startup.uncollected():\n    pass\nprint(gc.get_freeze_count() > 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_no_garbage_is_collected_during_large_imports_and_what_they_made_is_left_out_later() -> None:
    program = (
        "import gc\nfrom phift import startup\n"
        "with startup.importing():\n    assert not gc.isenabled()\n"
        "print(gc.isenabled(), gc.get_freeze_count() > 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


def test_a_lock_file_is_taken_apart_as_it_was_written() -> None:
    pin = PinnedModel(requested="a", id="b", version="1", model_defaults={"epochs": 3})
    text = Lock(id="a" * 16, stacks={"one": StackLock(base_model=pin), "two": StackLock(base_model=pin)}).text()
    written = startup.written_stacks(text, text.partition("\n")[0] + "\n")
    assert written is not None
    assert (written.version, written.id) == (2, "a" * 16)
    assert [(name, len(blocks)) for name, blocks in written.stacks] == [("one", 1), ("two", 1)]


@pytest.mark.parametrize(
    "text",
    [
        f"version: 2\nstacks:\n{STACK}",
        f"{HEAD}version: 2\nstacks: {{}}\n",
        f"{HEAD}version: 2\nid: 12\nstacks:\n{STACK}",
        f"{HEAD}version: 2\nstacks:\n{STACK}# a note\n",
        f"{HEAD}version: 2\nstacks:\n  one:\n    component: {{id: a}}\n",
        f"{HEAD}version: 2\nstacks:\n{STACK}  two: {{}}\n",
    ],
    ids=["no head", "no stack", "an id", "a comment", "a flow mapping", "an empty stack"],
)
def test_any_other_layout_is_left_to_the_yaml_reader(text: str) -> None:
    assert startup.written_stacks(text, HEAD) is None
