"""The recipe of a data version: everything that decides which rows come out, as one plain value."""

from collections.abc import Mapping

from phift.data.sources import SourceIdentity
from phift.data.take import Take
from phift.digest import digest_of

__all__ = ["PREPARATION_VERSION", "recipe", "recipe_digest"]

# Raise it only when the same source would give other rows or other bytes: it changes every data version there is,
# and with it every job.
PREPARATION_VERSION = 1


def recipe(
    identity: SourceIdentity, *, take: object = None, seed: int = 0, messages: Mapping[str, str] | None = None
) -> dict[str, object]:
    """The recipe as a plain value. Where all rows are taken the seed decides nothing and is left out."""
    amount = Take.parse(take)
    return {
        "preparation": PREPARATION_VERSION,
        "source": identity.plain(),
        "take": amount.plain(),
        "seed": None if amount.everything else seed,
        "messages": None if messages is None else [[role, text] for role, text in messages.items()],
    }


def recipe_digest(
    identity: SourceIdentity, *, take: object = None, seed: int = 0, messages: Mapping[str, str] | None = None
) -> str:
    """The data version: 12 hex digits over `recipe`. Raises InvalidSpecError when `take` makes no sense."""
    return digest_of(recipe(identity, take=take, seed=seed, messages=messages), 12)
