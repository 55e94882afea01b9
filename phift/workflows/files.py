"""Render the templates. Their own expressions are written `[[ ... ]]`, because `${{ ... }}` is one of the workflow."""

from __future__ import annotations

import json
import re
import shlex
from importlib.resources import files
from typing import Any

from phift import __version__
from phift.errors import UsageError
from phift.workflows.settings import Settings

__all__ = ["KINDS", "workflow_files"]

_GITHUB = ".github/workflows/phift.yml"
_SCHEDULED = ".github/workflows/phift-scheduled.yml"

KINDS = {
    "github": {_GITHUB: "github.yml", _SCHEDULED: "github-scheduled.yml"},
    "azure-pipelines": {"azure-pipelines.yml": "azure-pipelines.yml"},
}
"""The template of each file, by its path in the repository, for each service."""

# The commits of these releases; a tag could be moved.
_ACTIONS = {
    "checkout": "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2",
    "python": "actions/setup-python@a309ff8b426b58ec0e2a45f0f869d46889d02405 # v6.2.0",
    "login": "azure/login@532459ea530d8321f2fb9bb10d1e0bcf23869a43 # v3.0.0",
}

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def workflow_files(kind: str, settings: Settings) -> dict[str, str]:
    """Return the texts of the workflow files by their paths in the repository. kind: of KINDS.

    Raises UsageError for an unknown kind.
    """
    if kind not in KINDS:
        raise UsageError(f"unknown kind of workflow: {kind}", remedy=f"Kinds: {', '.join(KINDS)}.")
    wanted = dict(KINDS[kind])
    if not (settings.drift or settings.expire):
        wanted.pop(_SCHEDULED, None)
    return {path: _rendered(template, settings) for path, template in wanted.items()}


def _rendered(template: str, settings: Settings) -> str:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        comment_start_string="[#",
        comment_end_string="#]",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,
    )
    text = files("phift.workflows").joinpath("templates", template).read_text(encoding="utf-8")
    return environment.from_string(text).render(_values(settings))


def _values(settings: Settings) -> dict[str, Any]:
    target = f" --target {settings.target}" if settings.target else ""
    data_root = f" --data-root {shlex.quote(settings.data_root)}" if settings.data_root else ""
    return {
        "specs": shlex.join(settings.specs),
        "options": target + data_root,
        "install": shlex.quote(settings.install or f"phift=={__version__}"),
        "branch": _scalar(settings.branch),
        "branch_name": settings.branch,
        "environment": _scalar(settings.environment),
        "environment_word": shlex.quote(settings.environment),
        "scheduled": _scalar(settings.scheduled),
        "no_wait": " --no-wait" if settings.no_wait else "",
        "drift": settings.drift,
        "expire": settings.expire,
        "python": settings.python,
        "branch_word": shlex.quote(settings.branch),
        "scheduled_jobs": [
            *(["drift"] if settings.drift else []),
            *(["expire"] if settings.expire else []),
            *(["resume"] if settings.no_wait else []),
        ],
        "apply_connection": _scalar(settings.service_connection),
        "plan_connection": _scalar(f"{settings.service_connection}-plan"),
        "actions": _ACTIONS,
        # The emulator runs on the runner itself and has no sign-in.
        "azure": settings.target != "local",
    }


def _scalar(text: str) -> str:
    """Return a YAML scalar: plain if it cannot be read as anything but text, otherwise quoted."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else json.dumps(text)
