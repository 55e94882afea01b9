"""The requests of a test in the words of `az ml`."""

from __future__ import annotations

from phift.errors import InvalidSpecError, RefusedError
from phift.kinds.exporting import Exported, Exporting, words
from phift.kinds.shared.scoring import questions
from phift.kinds.test.parts import TestParts
from phift.state.desired import Desired

__all__ = ["export"]

_MOST = 3
"""Requests of a test in an export: each is a process of `az`, and nothing compares the answers."""


def export(exporting: Exporting, desired: Desired[TestParts]) -> Exported:
    """Return the first requests of a test, and the commands that send them to the deployment.

    Raises RefusedError for unfit rows, and what phift.data.prepare raises for other causes.
    """
    parts, name = desired.parts, desired.address.name
    rows = int(desired.properties["rows"])
    try:
        asked = questions(parts.recipe, min(rows, _MOST), desired.properties["parameters"])
    except InvalidSpecError as error:
        raise RefusedError(error.diagnostics) from None
    files = {f"requests/{name}-{number}.json": one.body for number, one in enumerate(asked, 1)}
    what = f"the first {len(files)} of {rows} requests" if len(files) < rows else f"{len(files)} requests"
    title = (
        f"{what.capitalize()} of tests.{name}: a request that fails ends the script.",
        "phift also compares the answers with the expectations of the spec; this only prints them.",
    )
    invoke = ("ml", "online-endpoint", "invoke", "--name", parts.endpoint, "--deployment-name", parts.deployment.name)
    return Exported(title, tuple(words(*invoke, "--request-file", file) for file in files), files)
