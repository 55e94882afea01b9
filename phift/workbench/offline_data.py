"""Check the rows of local data without a workspace, as an apply does before it uploads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from phift.data.recipe import Recipe
from phift.data.sources import SourceIdentity, identify
from phift.diagnostics import Diagnostic
from phift.errors import DiagnosticsError, InvalidSpecError
from phift.kinds.job.training import fewest_tokens
from phift.spec import DataSource, LoadedSpec
from phift.workbench.offline import Rows
from phift.workbench.recipes import is_elsewhere, placed, recipe_of, wanted_splits

if TYPE_CHECKING:
    from phift.lock import StackLock

__all__ = ["LocalData"]


class LocalData:
    """The local data of the specs of a run: each file is identified, and each recipe prepared, once.

    data_root: the folder that must contain the data; None: anywhere.
    """

    def __init__(self, data_root: Path | None = None) -> None:
        self._root = data_root
        self._identities: dict[tuple[str, Path], SourceIdentity | InvalidSpecError] = {}
        self._rows: dict[str, int | DiagnosticsError] = {}

    def check(self, loaded: LoadedSpec, pins: StackLock | None) -> tuple[list[Diagnostic], Rows]:
        """Return the findings about the local data of a spec, and what is known of data.train. pins: of the stack.

        Data of the hub, of an asset or at an address is not read. Raises PhiftError if a file cannot be read or the
        prepared rows cannot be written.
        """
        found: list[Diagnostic] = []
        recipes: dict[str, Recipe] = {}
        for split, wanted in wanted_splits(loaded).items():
            if wanted.path is None or is_elsewhere(wanted):
                continue
            try:
                recipes[split] = self._recipe(loaded, split, wanted)
            except InvalidSpecError as error:
                found += [placed(loaded, split, d) for d in error.diagnostics]
                continue
            if isinstance(problems := self._prepared(recipes[split]), DiagnosticsError):
                found += problems.diagnostics
                del recipes[split]
        found += self._classes(loaded, recipes)
        count = self._prepared(recipes["train"]) if "train" in recipes else None
        checked, longest = self._checked(loaded, pins, recipes)
        if not isinstance(count, int):
            return [*found, *checked], Rows(None, longest)
        return [*found, *checked], Rows(count, longest, fewest_tokens(recipes["train"]) if longest is None else None)

    def _recipe(self, loaded: LoadedSpec, split: str, wanted: DataSource) -> Recipe:
        folder = loaded.path.parent
        key = (str(wanted.path), folder)
        if key not in self._identities:
            try:
                self._identities[key] = identify({"path": wanted.path}, folder, self._root)
            except InvalidSpecError as error:
                self._identities[key] = error
        identity = self._identities[key]
        if isinstance(identity, InvalidSpecError):
            raise InvalidSpecError(identity.diagnostics)
        return recipe_of(loaded, split, wanted, identity)

    @staticmethod
    def _classes(loaded: LoadedSpec, recipes: Mapping[str, Recipe]) -> Iterator[Diagnostic]:
        table = recipes["train"].table if "train" in recipes else None
        if table is None or not table.classifies:
            return
        from phift.data.cache import prepared
        from phift.data.checks import CHECKED
        from phift.data.classes import class_problems

        files = {split: prepared(recipes[split]).path for split in CHECKED if split in recipes}
        for problem in class_problems(table, files):
            yield placed(loaded, problem.path.rpartition(".")[2], problem)

    def _prepared(self, recipe: Recipe) -> int | DiagnosticsError:
        """Return the number of fit rows, or the problems of the rows."""
        if recipe.key not in self._rows:
            from phift.data.cache import prepared  # reads all formats

            try:
                self._rows[recipe.key] = prepared(recipe).rows
            except DiagnosticsError as error:
                self._rows[recipe.key] = error
        return self._rows[recipe.key]

    @staticmethod
    def _checked(
        loaded: LoadedSpec, pins: StackLock | None, recipes: dict[str, Recipe]
    ) -> tuple[list[Diagnostic], int | None]:
        block = loaded.spec.data.checks if loaded.spec.data else None
        if block is None:
            return [], None
        from phift.data.checks import CHECKED, pinned_in
        from phift.workbench.row_checks import counter_of, judged, run

        local = {split: recipes[split] for split in CHECKED if split in recipes}
        found = pinned_in(pins.data.checks if pins and pins.data else None, local)
        if set(found) != set(local):
            found = run(local, counter_of(loaded))
        return judged(loaded, local, found), found["train"].longest if "train" in found else None
