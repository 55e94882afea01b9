"""The table of Azure's tests, azure_ai_ml.yaml, and what docs/emulator-fidelity.md shows of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.matrix.azure_ai_ml.suite import Verdict

__all__ = ["BEGIN", "END", "Table", "summary"]

PATH = Path(__file__).parents[1] / "azure_ai_ml.yaml"
BEGIN = "<!-- tests of azure-ai-ml: generated, see tests/matrix/azure_ai_ml.yaml -->"
END = "<!-- end of tests of azure-ai-ml -->"
_HEAD = """\
# How Azure's own end-to-end tests of azure-ai-ml end here: written by UPDATE_GOLDEN=1 pytest -m matrix
# tests/matrix/test_azure_ai_ml.py, which keeps the reasons below `fails`. passes; skipped: by a mark of Azure's own;
# refused: operations that the emulator does not have; needs: files that the source distribution of azure-ai-ml lacks
# and that are not in azure_ai_ml/configs, and modules that are not installed; fails: all others, each with the reason.

"""


@dataclass(frozen=True)
class Table:
    """passes, skipped: names of tests. refused, needs: names by operation or file. fails: reasons by name."""

    passes: frozenset[str]
    skipped: frozenset[str]
    refused: Mapping[str, list[str]]
    needs: Mapping[str, list[str]]
    fails: Mapping[str, str]

    @classmethod
    def load(cls) -> Table:
        rows = yaml.safe_load(PATH.read_text(encoding="utf-8"))
        return cls(
            frozenset(rows["passes"]), frozenset(rows["skipped"]), rows["refused"], rows["needs"], rows["fails"] or {}
        )

    @property
    def listed(self) -> frozenset[str]:
        below = [*self.refused.values(), *self.needs.values()]
        return self.passes | self.skipped | self.fails.keys() | {name for names in below for name in names}

    def mismatches(self, found: Mapping[str, Verdict]) -> list[str]:
        """What is not as the table says, a line each."""
        passed = {name for name, verdict in found.items() if verdict.kind == "passes"}
        return [
            *(f"not in the table: {name}" for name in sorted(found.keys() - self.listed)),
            *(f"in the table, and there is no such test: {name}" for name in sorted(self.listed - found.keys())),
            *(
                f"should pass: {name}: {found[name].kind} {found[name].about}"
                for name in sorted((self.passes & found.keys()) - passed)
            ),
            *(f"passes, and the table has a reason why not: {name}" for name in sorted(passed - self.passes)),
        ]

    def updated(self, found: Mapping[str, Verdict]) -> Table:
        """The table for these verdicts; reasons of tests that fail still are kept."""
        of_kind: dict[str, dict[str, list[str]]] = {"refused": {}, "needs": {}}
        for name, verdict in sorted(found.items()):
            if verdict.kind in of_kind:
                of_kind[verdict.kind].setdefault(verdict.about, []).append(name)
        return Table(
            frozenset(name for name, verdict in found.items() if verdict.kind == "passes"),
            frozenset(name for name, verdict in found.items() if verdict.kind == "skipped"),
            of_kind["refused"],
            of_kind["needs"],
            {
                name: self.fails.get(name, f"unexplained: {verdict.about}")
                for name, verdict in sorted(found.items())
                if verdict.kind == "fails"
            },
        )

    def save(self) -> None:
        rows = {
            "passes": sorted(self.passes),
            "refused": dict(sorted(self.refused.items())),
            "fails": dict(sorted(self.fails.items())),
            "needs": dict(sorted(self.needs.items())),
            "skipped": sorted(self.skipped),
        }
        text = yaml.safe_dump(rows, sort_keys=False, width=10_000, allow_unicode=True)
        PATH.write_text(_HEAD + text, encoding="utf-8")


def summary(table: Table) -> list[str]:
    """Lines of a table: how many tests of each area end how."""
    kinds: list[tuple[str, set[str]]] = [
        ("pass", set(table.passes)),
        ("refused", {name for names in table.refused.values() for name in names}),
        ("fail", set(table.fails)),
        ("not judged", set(table.skipped) | {name for names in table.needs.values() for name in names}),
    ]
    counts = {kind: Counter(map(_area, names)) for kind, names in kinds}
    areas = sorted({_area(name) for name in table.listed})
    rows = [" | ".join([area, *(str(counts[kind][area] or "") for kind, _ in kinds)]) for area in areas]
    totals = " | ".join(str(counts[kind].total()) for kind, _ in kinds)
    head = ["| tests of | pass | refused | fail | not judged |", "|---|---|---|---|---|"]
    return [*head, *(f"| {row} |" for row in rows), f"| all {len(table.listed)} | {totals} |"]


def _area(name: str) -> str:
    return name.removeprefix("tests/").partition("/")[0]
