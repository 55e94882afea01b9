"""Requests to MLflow models that are neither chat nor text models: Azure's contract of its generated scoring script.

Request (Azure docs): `{"input_data": ..., "params": {...}}`, where input_data is a table,
`{"columns": [...], "index": [...], "data": [[...], ...]}`, a tensor as nested lists, or tensors by name. The answer is
the predictions alone, such as `[0, 2, 1]`; a table of predictions is a list of rows.

Only the standard library is imported here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

__all__ = ["Refused", "Rows", "read_rows"]

_TABLE = frozenset(("columns", "index", "data"))


class Refused(Exception):
    """A request that the inference server answers itself, in the words of azureml-inference-server-http."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Rows:
    """A request that was understood. data: input_data as it was sent. params: of the prediction."""

    data: Any
    params: dict[str, Any]

    @property
    def is_table(self) -> bool:
        """Whether it is in the split form of a data frame."""
        return isinstance(self.data, dict) and "data" in self.data and set(self.data) <= _TABLE

    @property
    def listed(self) -> list[Any]:
        """The rows of a table or tensor; all named tensors as one."""
        rows = self.data["data"] if self.is_table else self.data
        return rows if isinstance(rows, list) else [rows]


def read_rows(body: bytes, content_type: str) -> Rows:
    """What a request's body asks. Raises Refused."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "Expects Content-Type to be application/json")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        if body:
            raise Refused(400, f"POST body could not be decoded as JSON: {error}") from error
        raise Refused(400, "POST body is empty. Expecting a JSON dictionary.") from error
    if not isinstance(document, dict):
        raise Refused(400, "POST body should be a JSON dictionary.")
    if "input_data" not in document:
        raise Refused(400, "A value is not provided for the 'input_data' parameter.")
    params = document.get("params")
    if params is not None and not isinstance(params, dict):
        raise Refused(400, "The value of the 'params' parameter should be a JSON dictionary.")
    return Rows(document["input_data"], params or {})
