"""`phift completion`."""

from __future__ import annotations

from typing import Annotated

import typer

from phift.cli.completion import Shell, script
from phift.cli.terminal import Terminal


def completion(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> int:
    """Print the program that makes a shell complete commands, specs, targets and addresses.

    bash: eval "$(phift completion bash)" in ~/.bashrc. zsh: the same with zsh in ~/.zshrc, after compinit.

    fish: phift completion fish > ~/.config/fish/completions/phift.fish
    """
    Terminal.of().print(script(shell).rstrip("\n"))
    return 0
