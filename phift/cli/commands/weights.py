"""`phift emulator weights`: real weights for base models of the emulator."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phift.cli import options as o
from phift.cli.help import Command, Group
from phift.cli.terminal import Terminal
from phift.errors import UsageError

if TYPE_CHECKING:
    from phift.emulator.runtime.foundation.weights import RealWeights, WeightsStore

__all__ = ["group"]

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_NAME_RULE = "A name has letters, digits, `-`, `_` and `.`, and starts with a letter or digit."

group = typer.Typer(
    name="weights",
    cls=Group,
    help="Use real weights instead of the stand-in for base models of the emulator.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


@group.command(cls=Command)
def add(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Model of the registry `azureml`, or a new name: SmolLM2-135M.")
    ],
    source: Annotated[
        str, typer.Argument(metavar="FOLDER|HUB_ID", help="Hugging Face model folder, or the id of a model of the hub.")
    ],
    revision: Annotated[
        str | None, typer.Option("--revision", metavar="REV", help="Branch, tag or commit of the hub. Default: main.")
    ] = None,
) -> int:
    """Copy or download weights, and publish them as the newest version of a model.

    The weights must be safetensors, with config.json and tokenizer.json, of a causal language model that the
    installed transformers knows. They are kept in the emulator's home, also over a reset; a running emulator uses
    them at once.
    """
    from phift.emulator.host.home import Home
    from phift.emulator.runtime.foundation.folder import UnusableModel, inspect
    from phift.emulator.runtime.foundation.hub import NotDownloaded, download
    from phift.emulator.runtime.foundation.weights import InvalidName, room_for

    terminal, home = Terminal.of(), Home(Home.locate())
    folder = Path(source).expanduser()
    if folder.is_dir() and revision:
        raise UsageError("--revision is for models of the hub", detail=f"{source} is a folder.")
    if not folder.is_dir() and not _HUB_ID.fullmatch(source):
        raise UsageError(f"{source} is neither a folder nor a hub id", remedy="A hub id is OWNER/MODEL.")

    def fill(target: Path) -> None:
        if folder.is_dir():
            contents = inspect(folder)
            if (free := shutil.disk_usage(home.path).free) < contents.bytes:
                raise OSError(f"{_size(contents.bytes)} do not fit: {_size(free)} are free in {home.path}")
            for file in contents.files:
                shutil.copyfile(file, target / file.name)
        else:
            terminal.tell(f"Downloading {source}...")
            download(source, target, revision)

    shown_source = str(folder.resolve()) if folder.is_dir() else source + (f"@{revision}" if revision else "")
    try:
        weights, contents = _store(home).add(_listed_name(name), shown_source, fill)
    except InvalidName as error:
        raise UsageError(f"invalid model name {name!r}", detail=_NAME_RULE) from error
    except UnusableModel as error:
        raise UsageError(f"{source} is not a usable model", detail=f"{error}.") from error
    except NotDownloaded as error:
        raise UsageError(
            "model not downloaded", detail=f"{error}.", remedy="Or pass a model folder instead."
        ) from error
    except OSError as error:
        raise UsageError(f"weights not added: {error}") from error
    terminal.print(f"Added {weights.name} version {_version(weights)}: {_facts(weights)}")
    if not contents.chat:
        terminal.tell("warning: the tokenizer has no chat template; chat_completion_pipeline rejects the model.")
    for sentence in room_for(contents, home.path):
        terminal.tell(f"warning: {sentence}")
    return 0


@group.command("list", cls=Command)
def list_(format: o.FormatOption = o.Format.TEXT) -> int:
    """List the models that have real weights."""
    from phift.emulator.host.home import Home
    from phift.views import json
    from phift.views.human import weights as text

    found = [_row(each) for each in _store(Home(Home.locate())).list()]
    if format is o.Format.JSON:
        Terminal.of().print(json.document({"format_version": "1.0", "weights": found}))
    else:
        Terminal.of().print(text.listed(found))
    return 0


@group.command(cls=Command)
def remove(name: Annotated[str, typer.Argument(metavar="NAME", help="Model to remove the weights of.")]) -> int:
    """Delete the weights of a model. The stand-in replaces them where the emulator has one for the model."""
    from phift.emulator.host.home import Home

    weights = _store(Home(Home.locate())).remove(name)
    if weights is None:
        raise UsageError(f"{name} has no weights", remedy="List the models that have: phift emulator weights list")
    Terminal.of().print(f"Removed the weights of {weights.name}.")
    return 0


def _store(home: Any) -> WeightsStore:
    from phift.emulator.runtime.foundation.weights import WeightsStore

    return WeightsStore(home.path)


def _listed_name(name: str) -> str:
    """The name as the catalogue spells it; unchanged for a name that it does not have."""
    from phift.catalog import model

    found = model(name)
    return found.name if found else name


def _version(weights: RealWeights) -> str:
    from phift.emulator.services.registry.publish import versions

    return str(versions("models", weights.name, weights=weights)[-1]["name"])


def _row(weights: RealWeights) -> dict[str, Any]:
    return {
        "name": weights.name,
        "version": _version(weights),
        "architecture": weights.architecture,
        "parameters": weights.parameters,
        "dtype": weights.dtype,
        "bytes": weights.bytes,
        "source": weights.source,
        "added": weights.added,
        "digest": weights.digest,
    }


def _facts(weights: RealWeights) -> str:
    from phift.views.human.weights import facts

    return facts(_row(weights))


def _size(amount: int) -> str:
    from phift.views.human.values import size

    return size(amount)
