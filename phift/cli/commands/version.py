"""`phift version`."""

from __future__ import annotations

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
    Terminal.of().print(document(found) if format is o.Format.JSON else text.render(found))
    return 0
