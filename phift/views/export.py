"""The files of an export: the script, the documents, the README."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from phift import __version__
from phift.kinds.words import plural
from phift.views.base import PLAIN, Style
from phift.views.json import document

if TYPE_CHECKING:
    from phift.phases import StackExport

__all__ = ["SCRIPT", "Exported", "copies", "exported", "exported_json", "texts"]

SCRIPT = "run.sh"
_WIDTH = 120

_FUNCTIONS = """\
# Run a command of `az ml` in the workspace.
ml() {
    az ml "$@" --subscription "$SUBSCRIPTION" --resource-group "$RESOURCE_GROUP" --workspace-name "$WORKSPACE"
}

# Return whether `az ml` finds an object.
exists() {
    ml "$@" --output none 2>/dev/null
}
"""

_OPTIONAL = {
    "written": """\
# Return whether Azure Resource Manager finds a document.
written() {
    az rest --method get --uri "$1" --output none 2>/dev/null
}
""",
    "provisioned": """\
# Wait up to two hours until a document of Azure Resource Manager is provisioned.
provisioned() {
    tries=720
    while [ "$tries" -gt 0 ]; do
        state=$(az rest --method get --uri "$1" --query properties.provisioningState --output tsv)
        case $state in
            Succeeded) return 0 ;;
            Failed | Canceled) break ;;
        esac
        tries=$((tries - 1))
        sleep "${POLL_SECONDS:-10}"
    done
    echo "$1 is in state $state" >&2
    return 1
}
""",
    "completed": """\
# Fail unless a job has completed.
completed() {
    status=$(ml job show --name "$1" --query status --output tsv)
    [ "$status" = Completed ] || { echo "job $1 is in state $status" >&2; return 1; }
}
""",
}
"""Functions that a script has only if one of its commands calls them."""


class Exported(NamedTuple):
    """The result of the command. files: names in the folder."""

    stack: StackExport
    folder: Path
    files: tuple[str, ...]


def texts(found: StackExport) -> dict[str, str]:
    """Return the text files of the export by name: documents, script and README."""
    documents = {name: _document(name, value) for _, step in found.steps for name, value in step.documents.items()}
    return {SCRIPT: _script(found), "README.md": _readme(found), **documents}


def copies(found: StackExport) -> dict[str, Path]:
    """Return the local files to copy, by name in the folder."""
    return {name: path for _, step in found.steps for name, path in step.copies.items()}


def _document(name: str, value: Any) -> str:
    if name.endswith(".json"):
        return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    text: str = yaml.safe_dump(_plain(value), sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text


def _plain(value: Any) -> Any:
    """Return the value as dictionaries and lists, which the YAML writer expects."""
    return json.loads(json.dumps(value))


def _script(found: StackExport) -> str:
    commands = [command for _, step in found.steps for command in step.commands]
    called = [text for name, text in _OPTIONAL.items() if any(_calls(name, command) for command in commands)]
    head = [
        "#!/bin/sh",
        *_comment(
            f"Create stack {found.stack} (target {found.target}) with the Azure CLI. Exported by phift {__version__}."
        ),
        "#",
        *_comment(
            "Requires `az` with the extension `ml` (az extension add --name ml), signed in (az login). An object that "
            "exists is not changed: re-run the script to resume. Only the traffic is always written."
        ),
        "set -eu",
        'cd -- "$(dirname -- "$0")"',
        "",
        f"SUBSCRIPTION={shlex.quote(found.workspace.subscription_id)}",
        f"RESOURCE_GROUP={shlex.quote(found.workspace.resource_group)}",
        f"WORKSPACE={shlex.quote(found.workspace.name)}",
    ]
    if any("$GROUP" in command for command in commands):
        head.append('GROUP="https://management.azure.com/subscriptions/$SUBSCRIPTION/resourceGroups/$RESOURCE_GROUP"')
    if found.secrets:
        head += ["", "# Secrets: the files contain none."]
        head += [f': "${{{name}:?is not set; it is {use}}}"' for name, use in found.secrets.items()]
    parts = ["\n".join(head) + "\n", _FUNCTIONS, *called]
    for number, (address, step) in enumerate(found.steps, 1):
        title = f"{number}. {address}: {' '.join(step.title)}"
        parts.append("\n".join([*_comment(title), *step.commands]) + "\n")
    return "\n".join(parts)


def _calls(name: str, command: str) -> bool:
    return re.search(rf"(?:^|\s){name} ", command) is not None


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False)


def _readme(found: StackExport) -> str:
    place = "the Azure ML emulator" if found.local else f"workspace {found.workspace.name}"
    notes = [step.note for _, step in found.steps if step.note]
    secrets = ", ".join(f"`{name}`" for name in found.secrets)
    lines = [
        f"# {found.stack}",
        "",
        f"Stack {found.stack} of `{found.spec}` (target {found.target}) for `az ml`, exported by `phift export`.",
        f"`sh {SCRIPT}` creates it in {place}, step by step; phift is not needed.",
        "",
        "- The YAML files match the schemas of `az ml`. The JSON files are documents for `az rest`, except",
        "  `export.json`: it lists what was written, for a later export to this folder.",
        "- The tags and properties `phift.*` mark the objects as those of the stack, in this workspace only. phift",
        "  recognizes them; `az ml` ignores them.",
        "- The script creates objects that do not exist, and writes the traffic. It changes and deletes nothing else,",
        "  such as a deployment that this one replaces.",
        *([f"- Secrets are read from the environment: {secrets}."] if secrets else []),
        *(f"- {note}" for note in notes),
    ]
    return "\n".join(lines) + "\n"


def exported_json(found: Exported) -> str:
    """Return the stack, the workspace, the folder, its files in order, and the environment variables of the script."""
    stack = found.stack
    return document(
        {
            "format_version": "1.0",
            "stack": stack.stack,
            "target": stack.target,
            "workspace": stack.workspace._asdict(),
            "folder": str(found.folder),
            "script": str(found.folder / SCRIPT),
            "files": list(found.files),
            "secrets": stack.secrets,
        }
    )


def exported(found: Exported, *, style: Style = PLAIN) -> str:
    """Return what was written, and how to run it."""
    stack = found.stack
    count = plural(len(found.files), "file")
    lines = [
        f"Exported {style.bold(stack.stack)} (target {stack.target}) to {found.folder}: {count}.",
        *(f"  {name}" for name in found.files),
        f"To create the stack without phift: sh {shlex.quote(str(found.folder / SCRIPT))}",
    ]
    if stack.secrets:
        lines.append(f"The script reads secrets from the environment: {', '.join(stack.secrets)}.")
    return "\n".join(lines)
