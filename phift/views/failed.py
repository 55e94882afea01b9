"""A failed command in the format that was asked for: a document on stdout, also where there is no result."""

from __future__ import annotations

from phift.errors import PhiftError
from phift.exits import ExitCode

__all__ = ["failed"]


def failed(error: BaseException, format: str) -> str:
    """Return the document of an error for `--format json`, `github` or `sarif`; "" for any other format."""
    match format:
        case "json":
            from phift.views import json

            return json.document({"format_version": "1.0", "error": json.error(error)})
        case "github":
            from phift.views.findings import of_error
            from phift.views.github import annotated

            return annotated(of_error(error))
        case "sarif":
            from phift.views.findings import of_error
            from phift.views.sarif import log

            code = error.exit_code if isinstance(error, PhiftError) else ExitCode.ERROR
            return log(of_error(error), code)
    return ""
