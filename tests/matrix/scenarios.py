"""What is done to a stack while it is killed: each can be begun again and again."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from pathlib import Path

from support import Embedded, Project

__all__ = ["SCENARIOS", "Scenario", "served"]

_SERVING = """\
endpoint: {auth_mode: key}
deployment:
  instance_type: Standard_NC24ads_A100_v4
  instance_count: 1
  tags: {team: a}
tests:
  smoke: {rows: 1}
targets:
"""
_SCALE = """\
  autoscale:
    maximum: 3
    initial: 2
    rules:
      - {metric: GpuUtilizationPercentage, above: 70, add: 1}
      - {metric: GpuUtilizationPercentage, below: 25, remove: 1}
"""


def served(folder: Path, stack: str, embedded: Embedded) -> Project:
    """A small project with an endpoint, a deployment and a test."""
    project = Project.small(folder, stack, embedded)
    project.edit("targets:\n", _SERVING)
    return project


class Scenario(ABC):
    """action: of the process that is killed. phase: runs in the same one, of so many, come to the same end."""

    action = "apply"
    phases = 1

    def __init__(self, folder: Path, stack: str, embedded: Embedded) -> None:
        self.folder, self.stack, self.embedded = folder, stack, embedded
        self.phase = 0

    @abstractmethod
    def begin(self) -> Project:
        """The project in the state from which the killed run starts."""

    def end(self, project: Project) -> None:  # noqa: B027 - most have nothing to clear away
        """Clear away what the next run must not meet."""


class _OnOneStack(Scenario):
    """An edit of a stack that is there; the end of one run is the start of the next."""

    def __init__(self, folder: Path, stack: str, embedded: Embedded) -> None:
        super().__init__(folder, stack, embedded)
        self._project: Project | None = None

    def begin(self) -> Project:
        if self._project is None:
            self._project = served(self.folder, self.stack, self.embedded)
            self._project.applied()
        self.change(self._project)
        return self._project

    @abstractmethod
    def change(self, project: Project) -> None: ...

    def swap(self, project: Project, *edits: tuple[str, str]) -> None:
        """Edits there and, the next time, back."""
        for old, new in edits:
            project.edit(*((old, new) if self.phase == 0 else (new, old)))
        self.phase = 1 - self.phase


class Create(Scenario):
    """Everything, from nothing: another stack each time."""

    _numbers = itertools.count(1)

    def begin(self) -> Project:
        number = next(self._numbers)
        return served(self.folder / str(number), f"{self.stack}{number}x", self.embedded)

    def end(self, project: Project) -> None:
        assert project.destroy().exit_code == 0


class Retrain(_OnOneStack):
    """A learning rate that was never tried: a job, a model version, a deployment beside the old one."""

    _rates = itertools.count(1)
    _rate = "0.008"

    def change(self, project: Project) -> None:
        following = f"0.01{next(self._rates):04d}1"
        project.edit(f"learning_rate: {self._rate}\n", f"learning_rate: {following}\n")
        self._rate = following


class InPlace(_OnOneStack):
    """Another number of instances and another tag, and back."""

    phases = 2

    def change(self, project: Project) -> None:
        self.swap(project, ("instance_count: 1", "instance_count: 2"), ("tags: {team: a}", "tags: {team: b}"))


class BlueGreen(_OnOneStack):
    """Another instance type, and back: a new deployment, its test, the shift, the old one's removal."""

    phases = 2

    def change(self, project: Project) -> None:
        self.swap(project, ("  instance_type: Standard_NC24ads_A100_v4", "  instance_type: Standard_NC48ads_A100_v4"))


class Autoscale(_OnOneStack):
    """Another instance type, and back, of an autoscaled deployment: its setting comes before the shift, and that of
    the old one goes before the old one."""

    phases = 2

    def begin(self) -> Project:
        first = self._project is None
        if first:
            self._project = served(self.folder, self.stack, self.embedded)
            self._project.edit("  instance_count: 1\n", _SCALE)
            self._project.applied()
        return super().begin()

    def change(self, project: Project) -> None:
        self.swap(project, ("  instance_type: Standard_NC24ads_A100_v4", "  instance_type: Standard_NC48ads_A100_v4"))


class AutoscaleAndBack(_OnOneStack):
    """A deployment that gets an autoscale setting, and loses it. The emulator's autoscaler, which has no metrics here,
    has nothing to do: the instances are the initial ones."""

    phases = 2

    def change(self, project: Project) -> None:
        self.swap(project, ("  instance_count: 1\n", _SCALE.replace("initial: 2", "initial: 1")))


class Destroy(Scenario):
    """All that costs, and then made again."""

    action = "destroy"

    def __init__(self, folder: Path, stack: str, embedded: Embedded) -> None:
        super().__init__(folder, stack, embedded)
        self._project = served(self.folder, self.stack, self.embedded)

    def begin(self) -> Project:
        self._project.applied()
        return self._project


SCENARIOS: dict[str, type[Scenario]] = {
    "create": Create,
    "retrain": Retrain,
    "in-place": InPlace,
    "blue-green": BlueGreen,
    "autoscale": Autoscale,
    "autoscale-and-back": AutoscaleAndBack,
    "destroy": Destroy,
}
