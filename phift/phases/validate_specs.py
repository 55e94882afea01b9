"""Validate specs without network access: the files, their parameters and VM sizes, local data, duplicate stacks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from phift.diagnostics import Diagnostic, capped, errors_of
from phift.errors import InvalidSpecError, UsageError
from phift.files import LOCK_FILE
from phift.spec import MAX_STACKS, AssetRef, LoadedSpec, ModelFolderRef, Spec, load_all
from phift.workbench.offline import Rows, parameter_findings, size_findings
from phift.workbench.places import doubles

if TYPE_CHECKING:
    from phift.lock import Lock, StackLock

__all__ = ["Validated", "validate"]


@dataclass(frozen=True)
class Validated:
    """The result for one file. loaded: its stacks; empty if it cannot be loaded. diagnostics: errors and warnings."""

    path: Path
    loaded: tuple[LoadedSpec, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def valid(self) -> bool:
        """Whether there are no errors."""
        return bool(self.loaded) and not errors_of(self.diagnostics)

    @property
    def stacks(self) -> list[str]:
        """The names of its stacks."""
        return [one.stack for one in self.loaded]


def validate(
    paths: Sequence[Path],
    *,
    target: str | None = None,
    variables: Mapping[str, str] | None = None,
    variable_files: Sequence[Path] = (),
    allow_env: Collection[str] = (),
    max_stacks: int = MAX_STACKS,
    data: bool = True,
    data_root: Path | None = None,
) -> Iterator[Validated]:
    """Check each file, and yield its result in the order of the paths.

    The other arguments are those of `phift.spec.load_all`. data: read and check all rows of local data, and the other
    local files that an apply uploads. data_root: the folder that must contain them; None: anywhere.
    Raises UsageError if the files define more than max_stacks stacks, PhiftError if prepared rows cannot be written.
    """
    files = []
    count = 0
    for path in paths:
        one = _loaded(path, target, variables or {}, variable_files, allow_env, max_stacks)
        if (count := count + len(one.loaded)) > max_stacks:
            raise UsageError(
                f"the specs define more than {max_stacks} stacks, the limit of one run",
                remedy="Pass fewer specs, or raise the limit: --max-stacks N.",
            )
        files.append(one)
    twice = _twice([stack for one in files for stack in one.loaded])
    checks = _Offline(data=data, data_root=data_root)
    for one in files:
        own = [d for stack in one.loaded for d in (*twice.get(id(stack), ()), *checks.of(stack))]
        yield replace(one, diagnostics=(*one.diagnostics, *capped(list(dict.fromkeys(own)))))


def _loaded(
    path: Path,
    target: str | None,
    variables: Mapping[str, str],
    variable_files: Sequence[Path],
    allow_env: Collection[str],
    max_stacks: int,
) -> Validated:
    try:
        made = load_all(
            path,
            target=target,
            variables=variables,
            variable_files=variable_files,
            allow_env=allow_env,
            max_stacks=max_stacks,
        )
    except InvalidSpecError as error:
        return Validated(path, (), error.diagnostics)
    return Validated(path, tuple(made), tuple(dict.fromkeys(warning for one in made for warning in one.warnings)))


def _twice(loaded: Sequence[LoadedSpec]) -> dict[int, list[Diagnostic]]:
    """Return an error for each stack that an earlier spec defines, by the id of its LoadedSpec."""
    found: dict[int, list[Diagnostic]] = {}
    for what, specs in doubles(loaded):
        for spec in specs[1:]:
            path = "endpoint" if what.startswith("the endpoint") else "name"
            found.setdefault(id(spec), []).append(
                Diagnostic(
                    f"{specs[0].path} also defines {what}",
                    detail="Each would change the resources of the other.",
                    remedy="Give each its own name:, or pass only one of the files.",
                    mark=spec.mark(path),
                    path=path,
                    code="duplicate-stack",
                )
            )
    return found


class _Offline:
    """The checks of loaded specs; what they read is read once for a run."""

    def __init__(self, *, data: bool, data_root: Path | None) -> None:
        self._locks: dict[Path, Lock | InvalidSpecError | None] = {}
        self._data = None
        self._data_root = data_root
        if data:
            from phift.workbench.offline_data import LocalData  # reads all formats

            self._data = LocalData(data_root)

    def of(self, loaded: LoadedSpec) -> list[Diagnostic]:
        lock = self._lock(loaded.path.parent / LOCK_FILE)
        if isinstance(lock, InvalidSpecError):
            return list(lock.diagnostics)
        pins = lock.stack(loaded.stack) if lock else None
        found, rows = self._data.check(loaded, pins) if self._data else ([], Rows())
        named = {d.path for d in found if d.code == "parameter-missing"}  # by the check of the data
        parameters = [d for d in parameter_findings(loaded, lock, rows, self._data_root) if d.path not in named]
        return [*parameters, *size_findings(loaded), *self._files(loaded, pins), *found]

    def _files(self, loaded: LoadedSpec, pins: StackLock | None) -> list[Diagnostic]:
        if self._data is None or not _uploads(loaded.spec):
            return []
        from phift.workbench.offline_files import file_findings  # takes long to import

        return list(file_findings(loaded, pins, self._data_root))

    def _lock(self, path: Path) -> Lock | InvalidSpecError | None:
        if path not in self._locks:
            self._locks[path] = _read(path)
        return self._locks[path]


def _uploads(spec: Spec) -> bool:
    """Return whether a spec may name local files besides data, without a look at them."""
    served, deployment = spec.served, spec.deployment
    return (
        isinstance(spec.base_model, ModelFolderRef)
        or (served is not None and not isinstance(served[1], AssetRef))
        or (deployment is not None and (deployment.code_configuration or deployment.environment) is not None)
    )


def _read(path: Path) -> Lock | InvalidSpecError | None:
    if not path.exists():
        return None
    from phift.lock import read_lock  # takes long to import, and most folders have no lock file yet

    try:
        return read_lock(path)
    except InvalidSpecError as error:
        return error
