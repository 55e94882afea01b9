"""Completion in a shell: what can follow the words of a command line.

Reads the spec that the words name, or that of the folder, as a file alone: no template is rendered, and neither a
workspace nor a network is used. Anything that cannot be read completes to nothing, as a shell has no place for errors.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Sequence
from enum import Enum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from phift.inert import inert

if TYPE_CHECKING:
    from phift.spec.tree import Node

__all__ = ["Candidate", "Shell", "answer", "complete", "script"]


class Shell(StrEnum):
    """A shell that phift completes in."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


class Candidate(NamedTuple):
    """A word that can follow. open: whether more text follows it directly, as after a folder or `NAME=`."""

    word: str
    says: str = ""
    open: bool = False


_SPEC_SUFFIXES = (".yaml", ".yml")
_FOLDERS = {"DIR"}
_FILES = {"FILE", "FILE|SHARE", "FOLDER|HUB_ID"}
_SEVERAL = ("[SPEC...]", "[SPEC]", "[SPEC|PLAN]")


def complete(words: Sequence[str]) -> list[Candidate]:
    """Return what can replace the last word. words: those after `phift`, the last one incomplete, perhaps empty."""
    try:
        found = _Completion(list(words)).candidates()
    except Exception:  # noqa: BLE001  (an error in the middle of a command line would destroy it)
        return []
    prefix = words[-1] if words else ""
    return [one for one in found if one.word.startswith(prefix) and inert(one.word) == one.word]


def answer(words: Sequence[str], shell: Shell) -> str:
    """Return the candidates for the script of a shell, one a line: the word, a tab and its description, if any.

    bash splits words at `=` and replaces the last part; its script adds no space after a complete word.
    """
    if shell is not Shell.BASH:
        return "".join(f"{one.word}\t{one.says}\n" for one in complete(words))
    whole = _joined(words)
    done = len(whole[-1].rpartition("=")[0]) + 1 if "=" in words[-2:] else 0
    found = complete(whole)
    return "".join(f"{_quoted(one.word[done:])}{'' if one.open else ' '}\n" for one in found)


def _joined(words: Sequence[str]) -> list[str]:
    """Return the words of bash with `--option`, `=`, `value` as one."""
    whole: list[str] = []
    for n, word in enumerate(words):
        if whole and (word == "=" or words[n - 1] == "="):
            whole[-1] += word
        else:
            whole.append(word)
    return whole


def _quoted(word: str) -> str:
    """Return a word with the quotation that a shell needs."""
    return re.sub(r"([^\w./:=@%+,-])", r"\\\1", word)


class _Completion:
    def __init__(self, words: list[str]) -> None:
        self.words, self.last = words[:-1], words[-1] if words else ""
        self.command, self.given = self._command()

    @staticmethod
    def _root() -> Any:
        import typer

        from phift.cli.app import app

        return typer.main.get_command(app)

    def _command(self) -> tuple[Any, list[str]]:
        """Return the command of the words, and those after its name."""
        command, rest = self._root(), list(self.words)
        while rest and hasattr(command, "list_commands"):
            word = rest.pop(0)
            if word == "help":
                continue
            if word.startswith("-") or (inner := command.get_command(None, word)) is None:
                return None, []
            command = inner
        return command, rest

    def candidates(self) -> list[Candidate]:
        """Return all candidates, whether or not they begin with the last word."""
        if self.command is None:
            return []
        if hasattr(self.command, "list_commands"):
            return self._commands()
        if self.words[:1] == ["help"]:
            return []
        options = {flag: p for p in self.command.params if p.param_type_name == "option" for flag in p.opts}
        before = self.given[-1] if self.given else ""
        if before in options and not options[before].is_flag and "--" not in self.given[:-1]:
            return self._values(options[before])
        name, equals, _ = self.last.partition("=")
        if equals and name in options and not options[name].is_flag:
            found = self._values(options[name], self.last[len(name) + 1 :])
            return [one._replace(word=f"{name}={one.word}") for one in found]
        if self.last.startswith("-"):
            free = {flag: p for flag, p in options.items() if p.multiple or not {*p.opts} & {*self.given}}
            return [*(Candidate(flag, p.help or "") for flag, p in free.items() if flag.startswith("--")), _HELP]
        return self._argument(options)

    def _commands(self) -> list[Candidate]:
        flags = ("--version", "--help") if self.last.startswith("-") else ()
        return [Candidate(name) for name in (*self.command.list_commands(None), *flags)]

    def _argument(self, options: dict[str, Any]) -> list[Candidate]:
        """Return the values of the next argument; where the spec can be omitted, of the argument after it too."""
        places = [p for p in self.command.params if p.param_type_name == "argument"]
        count = sum(
            1
            for word, before in zip(self.given, ["", *self.given], strict=False)
            if not word.startswith("-") and not (before in options and not options[before].is_flag)
        )
        if not places:
            return []
        found: list[Candidate] = []
        if count < len(places):
            found += self._of(places[count], self.last)
        elif places[-1].nargs == -1:
            found += self._of(places[-1], self.last)
        if count == 0 and len(places) > 1 and places[0].metavar in _SEVERAL:
            found += self._of(places[1], self.last)
        return found

    def _values(self, option: Any, prefix: str | None = None) -> list[Candidate]:
        return self._of(option, self.last if prefix is None else prefix)

    def _of(self, parameter: Any, prefix: str) -> list[Candidate]:
        metavar = str(parameter.metavar or "")
        if choices := _choices(parameter):
            return [Candidate(choice) for choice in choices]
        name = f"--{parameter.name.replace('_', '-')}"
        if name in _BY_NAME:
            return _BY_NAME[name](self)
        if metavar in _SEVERAL:
            suffixes = (*_SPEC_SUFFIXES, ".json") if "PLAN" in metavar else _SPEC_SUFFIXES
            return _paths(prefix, lambda path: path.endswith(suffixes) and (path.endswith(".json") or _spec(path)))
        if metavar in _BY_METAVAR:
            return _BY_METAVAR[metavar](self)
        if metavar in _FILES or metavar in _FOLDERS:
            return _paths(prefix, lambda path: metavar in _FILES)
        return []

    def _tree(self) -> Node | None:
        """Return the tree of the spec that the words name, or of that of the folder."""
        from phift.errors import UsageError
        from phift.spec.default import default_spec
        from phift.spec.inheritance import read_whole

        named = [word for word in self.given if word.endswith(_SPEC_SUFFIXES) and os.path.isfile(word)]
        with contextlib.suppress(UsageError):
            return read_whole(Path(named[0]) if named else default_spec())[0]
        return None

    def targets(self) -> list[Candidate]:
        """Return the targets of the spec."""
        tree = self._tree()
        declared = tree.child("targets") if tree else None
        return [Candidate(name) for name in dict.fromkeys([*((declared.mapping if declared else None) or {}), "local"])]

    def variables(self) -> list[Candidate]:
        """Return `NAME=` for each variable of the spec."""
        tree = self._tree()
        found = [tree.child(block) for block in ("vars", "matrix")] if tree else []
        return [Candidate(f"{name}=", open=True) for node in found if node for name in node.mapping or {}]

    def addresses(self) -> list[Candidate]:
        """Return the addresses of the resources of the spec."""
        from phift.kinds.addressing import addresses_in
        from phift.spec.targets import choose, override
        from phift.spec.tree import plain

        tree = self._tree()
        if tree is None:
            return []
        targets = tree.child("targets")
        asked = next((b for a, b in zip(self.given, self.given[1:], strict=False) if a in ("-t", "--target")), None)
        chosen = choose(targets, asked, tree.mark)
        merged = override(tree, chosen[0])[0] if isinstance(chosen, tuple) else tree
        return [Candidate(address) for address in addresses_in(plain(merged))]

    def splits(self) -> list[Candidate]:
        """Return the splits of the data of the spec."""
        tree = self._tree()
        data = tree.child("data") if tree else None
        known = ("train", "validation", "test", "sample")
        return [Candidate(name) for name in known if data is not None and data.child(name) is not None]

    @staticmethod
    def codes() -> list[Candidate]:
        """Return all diagnostic codes."""
        from phift.explain import explanations

        return [Candidate(code, explained.title) for code, explained in explanations().items()]


_HELP = Candidate("--help", "Show the options of the command.")
_BY_NAME: dict[str, Callable[[_Completion], list[Candidate]]] = {
    "--target": _Completion.targets,
    "--var": _Completion.variables,
    "--select": _Completion.addresses,
    "--replace": _Completion.addresses,
}
_BY_METAVAR: dict[str, Callable[[_Completion], list[Candidate]]] = {
    "[ADDRESS[.KEY]]": _Completion.addresses,
    "[SPLIT]": _Completion.splits,
    "[CODE]": lambda completion: completion.codes(),
}


def _choices(parameter: Any) -> list[str]:
    """Return the values of a parameter that is an enumeration. Releases of typer keep them in different places."""
    kind = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    members = kind if isinstance(kind, type) and issubclass(kind, Enum) else ()
    members = members or getattr(getattr(parameter, "type", None), "choices", None) or ()
    return [str(getattr(member, "value", member)) for member in members]


def _paths(prefix: str, fits: Callable[[str], bool]) -> list[Candidate]:
    """Return the files that fit, and the folders, that begin with a path."""
    folder, name = os.path.split(prefix)
    found = []
    with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
        for entry in entries:
            path = os.path.join(folder, entry.name)
            if not entry.name.startswith(name) or (entry.name.startswith(".") and not name):
                continue
            if entry.is_dir():
                found.append(Candidate(f"{path}/", open=True))
            elif entry.is_file() and fits(path):
                found.append(Candidate(path))
    return sorted(found)


def _spec(path: str) -> bool:
    from phift.spec.default import is_spec

    return is_spec(Path(path))


def script(shell: Shell) -> str:
    """Return the program that makes a shell complete `phift`."""
    return _SCRIPTS[shell]


_SCRIPTS = {
    Shell.BASH: """\
_phift() {
    local word
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(phift --complete bash "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o nospace -F _phift phift
""",
    Shell.ZSH: """\
#compdef phift
_phift() {
    local -a closed open
    local word says
    while IFS=$'\\t' read -r word says; do
        if [[ $word == */ || $word == *= ]]; then
            open+=("$word")
        else
            closed+=("${word//:/\\\\:}${says:+:$says}")
        fi
    done < <(phift --complete zsh "${(@)words[2,CURRENT]}" 2>/dev/null)
    (( ${#closed} )) && _describe phift closed
    (( ${#open} )) && compadd -S '' -- "${open[@]}"
}
if [[ ${funcstack[1]} == _phift ]]; then
    _phift "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -D; }
    compdef _phift phift
fi
""",
    Shell.FISH: """\
function __phift_complete
    set -l words (commandline -opc) (commandline -ct)
    phift --complete fish $words[2..-1] 2>/dev/null
end
complete -c phift -f -a '(__phift_complete)'
""",
}
