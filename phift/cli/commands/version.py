"""`phift version`."""

from __future__ import annotations

from dataclasses import asdict

from phift.cli import options as o
from phift.cli.terminal import Terminal


def version(format: o.FormatOption = o.Format.TEXT) -> int:
    """Print the versions of phift and of what it runs on, as for a bug report.

    `phift --version` prints that of phift alone.
    """
    from phift.phases import versions
    from phift.views.human import version as text
    from phift.views.json import document

    found = versions()
    written = {"format_version": "1.0", **asdict(found)}
    Terminal.of().print(document(written) if format is o.Format.JSON else text.render(found))
    return 0
