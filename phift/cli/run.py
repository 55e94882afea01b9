"""Run one command, from arguments to exit code; every error is rendered on stderr here."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import typer

from phift.cli.app import InterruptedCommand, app
from phift.cli.pipelines import guard_streams
from phift.errors import PhiftError, UsageError
from phift.exits import ExitCode
from phift.inert import inert
from phift.startup import usage_error
from phift.views.base import Streams, Style
from phift.views.harmless import shown_text

__all__ = ["run"]


_UsageError: Any = usage_error()


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code. Raises nothing."""
    _tolerate_narrow_encodings()
    guard_streams(os.environ, sys.stdout, sys.stderr)
    try:
        code = app(args=list(arguments) or ["--help"], prog_name="phift", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except PhiftError as error:
        from phift.views.human import errors as view

        said = view.render(error, style=_style(arguments), explain=not _terse(arguments))
        return _fail(said, error.exit_code, _document(error, arguments))
    except _UsageError as error:
        return _misused(error, arguments)
    except (InterruptedCommand, KeyboardInterrupt, typer.Abort):
        writes = bool(arguments) and arguments[0] in {"apply", "destroy"}
        left = "; nothing was changed in the workspace" if writes else ""
        return _fail(f"Interrupted{left}.", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Python flushes stdout once more on exit; give it somewhere to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.BROKEN_PIPE
    except OSError as error:
        if os.environ.get("PHIFT_DEBUG"):
            traceback.print_exc()
        from phift.views.human import errors as view

        where = f"{error.filename}: " if error.filename else ""
        failure = PhiftError(f"{where}{error.strerror or error}")
        return _fail(view.render(failure, style=_style(arguments)), 1, _document(failure, arguments))
    except Exception as error:  # noqa: BLE001  (the one place where nothing may pass)
        if os.environ.get("PHIFT_DEBUG"):
            traceback.print_exc()
        from phift.views.human import errors as view

        return _fail(view.unexpected(error, style=_style(arguments)), 1, _document(error, arguments))


def _document(error: BaseException, arguments: Sequence[str]) -> str:
    """Return what a program reads on stdout instead of the result; "" for a format for people."""
    formats = _formats(arguments) & {"json", "github", "sarif"}
    if not formats:
        return ""
    from phift.views.failed import failed

    return failed(error, formats.pop())


def _misused(error: Exception, arguments: Sequence[str]) -> int:
    style = _style(arguments)
    said = str(getattr(error, "message", error))
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", "phift")
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stdout.write(said + "\n")
        return 0
    if format_message := getattr(error, "format_message", None):
        said = format_message().rstrip(".").replace("Value error, ", "")
    said = inert(said, keep="\n")
    lines = [f"{style.bold(style.red('error:'))} {style.bold(said)}", f"  {style.cyan('=')} Try: {path} --help"]
    return _fail("\n".join(lines), 1, _document(UsageError(said), arguments))


def _fail(text: str, code: int, document: str = "") -> int:
    """Print an error. document: for stdout, in the format that was asked for."""
    try:
        sys.stdout.write(shown_text(document) + "\n" if document else "")
        sys.stdout.flush()
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        # The reader or the terminal is gone: the exit code alone reports the result.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    return code


def _terse(arguments: Sequence[str]) -> bool:
    """Return whether to print only the error: with --quiet, or when the output is for a program or a pull request."""
    return bool(_formats(arguments) - {"text"} or {"--json", "--quiet", "-q"} & set(arguments))


def _formats(arguments: Sequence[str]) -> set[str]:
    """Return the values of --format."""
    after = zip(arguments, [*arguments[1:], ""], strict=True)
    separate = {value for word, value in after if word == "--format"}
    return separate | {word.removeprefix("--format=") for word in arguments if word.startswith("--format=")}


def _style(arguments: Sequence[str]) -> Style:
    return Streams.standard(colour="--no-color" not in arguments).err_style


def _tolerate_narrow_encodings() -> None:
    """Print characters that the terminal cannot encode as `?` instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
