"""The settings of a workflow. They are written into YAML and into shell commands: only plain texts are accepted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from phift.errors import UsageError

__all__ = ["Settings"]

_PATH = re.compile(r"[A-Za-z0-9_./*?\[{][A-Za-z0-9 _./*?\[\]{},@+=!~-]*")
_REQUIREMENT = re.compile(r"[A-Za-z0-9_./](?:[A-Za-z0-9 _./@+,=<>!~\[\];-]|:(?! ))*")
"""Without what begins a comment, a mapping or an expression in YAML, or an expression of a workflow."""

_FORMS = {
    "branch": re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*"),
    "environment": re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]*"),
    "scheduled_environment": re.compile(r"([A-Za-z0-9][A-Za-z0-9 ._-]*)?"),
    "service_connection": re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]*"),
    "target": re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]*)?"),
    "python": re.compile(r"3\.\d{1,2}"),
    "drift": re.compile(r"(?:[0-9*,/-]+(?: [0-9A-Za-z*,/-]+){4})?"),
    "expire": re.compile(r"(?:[0-9*,/-]+(?: [0-9A-Za-z*,/-]+){4})?"),
}
_CRONS = ("drift", "expire")
_OPTIONS = {"scheduled_environment": "scheduled-environment", "service_connection": "service-connection"}


@dataclass(frozen=True)
class Settings:
    """specs: paths, folders and globs, relative to the root of the repository. target: empty for the default one of
    each spec. branch: applied on merge. environment: of the apply. scheduled_environment: of jobs on a schedule, by
    default with the suffix `-scheduled`. no_wait: whether the apply leaves long trainings to a scheduled job. drift,
    expire: cron expressions in UTC, empty for never. data_root: empty for no limit. install: for pip, by default this
    release. service_connection: of Azure Pipelines; its name with the suffix `-plan` is the one that may only read.

    Raises UsageError for a text that has no place in a workflow.
    """

    specs: tuple[str, ...]
    target: str = ""
    branch: str = "main"
    environment: str = "production"
    scheduled_environment: str = ""
    no_wait: bool = False
    drift: str = "17 5 * * *"
    expire: str = "7,37 * * * *"
    data_root: str = "."
    install: str = ""
    python: str = "3.12"
    service_connection: str = "phift"

    def __post_init__(self) -> None:
        if not self.specs:
            raise UsageError("a workflow needs at least one spec")
        for text in (*self.specs, *filter(None, [self.data_root])):
            if _PATH.fullmatch(text) is None:
                remedy = "Use a path of letters, digits and ordinary punctuation."
                raise UsageError(f"{text[:80]!r} cannot be written into a workflow", remedy=remedy)
        if self.install and _REQUIREMENT.fullmatch(self.install) is None:
            raise UsageError(f"--install {self.install[:80]!r} cannot be written into a workflow")
        for name, form in _FORMS.items():
            if form.fullmatch(getattr(self, name)) is None:
                option = _OPTIONS.get(name, name)
                cron = "Use a cron expression of five fields, such as '17 5 * * *'." if name in _CRONS else ""
                raise UsageError(
                    f"--{option} {getattr(self, name)[:80]!r} cannot be written into a workflow", remedy=cron
                )
        if self.no_wait and not self.expire:
            raise UsageError("--no-wait requires --expire CRON, the schedule of the job that resumes the apply")

    @property
    def scheduled(self) -> str:
        """The environment of jobs on a schedule."""
        return self.scheduled_environment or f"{self.environment}-scheduled"
