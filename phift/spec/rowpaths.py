"""The field type of a path to rows, for `data` and `tests`."""

from typing import Annotated

from pydantic import AfterValidator, Field

from phift.spec.addresses import address_fault
from phift.spec.base import fault

__all__ = ["RowsPath"]


def _path_or_address(value: str) -> str:
    if (found := address_fault(value)) is not None:
        raise fault(*found)
    return value


RowsPath = Annotated[str, Field(min_length=1), AfterValidator(_path_or_address)]
