"""Literal secrets: what looks like one, and what is shown in its place.

A secret written out in a spec cannot be taken back, but it need not be printed, saved and logged as well. What is shown
tells that it is there, how long it is and, by a fingerprint, that it has changed.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Mapping
from dataclasses import fields
from functools import cache, lru_cache
from typing import Any

__all__ = [
    "AREAS",
    "FEEDING",
    "concealed",
    "concealed_line",
    "concealed_repr",
    "concealed_tree",
    "concealed_words",
    "is_concealed",
    "is_secret",
    "looks_secret",
    "shown",
    "shown_change",
]

AREAS = ("environment_variables", "tags", "azure")
"""Where literal secrets are looked for, as keys of a spec and of a resource's properties."""
FEEDING = ("vars", "matrix")
"""Blocks of a spec whose values end up elsewhere in it."""

_KEY_OF = (
    "api|access|account|private|secret|shared|encryption|encrypt|signing|sign|master|storage|subscription|primary|"
    "secondary|auth|license|admin|host|function|client|deploy|deployment|instrumentation|sas|ssh|aes|rsa|pgp|gpg"
)
_NAME = rf"""(?:
        (?:^|[^a-z])(?:token|password|passwd|passphrase|pwd|secret|secrets|credential|credentials)
      | [a-z](?:password|passwd|passphrase|secret)
      | (?:^|[^a-z])(?:{_KEY_OF})?key
      | connection[_.-]?string
      | (?:^|[^a-z])conn(?:ection)?[_.-]?str
    )$"""
_HINTS = ("token", "pass", "pwd", "secret", "credential", "key", "conn")
"""One of these is in every name that _NAME finds."""
_CAMEL = r"(?<=[a-z0-9])(?=[A-Z])"
_PUBLIC = r"(?:^|[^a-z])public(?:$|[^a-z])"
_NOT_SECRET = r"(?i)|true|false|yes|no|on|off|null|none|<.*>|\[.*\]"
"""Values that hold nothing, and special tokens of models such as <pad>."""

_SHAPES = r"""
      (?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*            # a JWT
    | (?:AccountKey|SharedAccessKey|SharedAccessSignature|Password|Pwd)=[^;\s"']{6,}
    | (?<![A-Za-z0-9])sig=[A-Za-z0-9%+/=_-]{16,}                         # a SAS
    | (?<![A-Za-z0-9])hf_[A-Za-z0-9]{16,}
    | (?<![A-Za-z0-9])(?:gh[pousr]_|github_pat_|glpat-)[A-Za-z0-9_-]{16,}
    | (?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}
    | (?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9-]{10,}
    | (?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])
    | -----BEGIN[ ][A-Z ]{0,20}PRIVATE[ ]KEY-----
    | (?<=://)[^\s/:@]{1,64}:[^\s/:@]{3,256}(?=@)                        # a URL with a password
    """
_LONG = r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{32,}={0,2}(?![A-Za-z0-9+/_=-])"
_SHORTEST = 16  # characters of a shape; but for a password after = or in a URL
_LONGEST = 256  # characters of what is remembered
_LOOKED_AT = 65_536  # characters of a value
_TURNS = 0.42
"""Share of characters that are of another class (upper, lower, digit) than the one before: words and paths lie below
it, random base64 above."""

_SHOWN = r"\(secret, [0-9]+ characters?, fingerprint [0-9a-f]{4}\)"
_ADDRESS = (
    r"""([A-Za-z]{2,8}://)([^\s/@"'?#:]{1,256}(?::[^\s@"'?#]{0,256})?@)?([^\s"'?#]{1,2048})(\?[^\s"'{}]{1,4096})?"""
)
_TOLD = r"(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]{1,64})([\"']?\s{0,8}[:=]\s{0,8}[\"']?)([^\s\"',{}\[\]]{3,256})"


def is_secret(name: str, value: str) -> bool:
    """Whether a value looks like a secret, by the name that it has or by its own shape. By shape, hex digests and
    UUIDs are none."""
    return (
        _is_secret(name[:_LONGEST], value) if len(value) <= _LONGEST else _decides(name[:_LONGEST], value[:_LOOKED_AT])
    )


@lru_cache(maxsize=4096)
def _is_secret(name: str, value: str) -> bool:
    return _decides(name, value)


def _decides(name: str, value: str) -> bool:
    if "${{" in value or not (_names_secret(name) or looks_secret(value)):
        return False
    return not is_concealed(value) and not _pattern(_NOT_SECRET).fullmatch(value)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """Compiled when it is needed first, which for most specs is never."""
    return re.compile(text, re.VERBOSE if "\n" in text else 0)


def shown(name: str, value: str) -> str:
    """What is shown in place of a secret: its length, and four digits that change with it.

    They are salted with the name and too few to try guesses on: one in 65,536 fits by chance.
    """
    digest = hashlib.blake2b(value.encode(errors="surrogatepass"), key=name.encode(errors="replace")[:64]).hexdigest()
    return f"(secret, {len(value)} character{'' if len(value) == 1 else 's'}, fingerprint {digest[:4]})"


def is_concealed(value: object) -> bool:
    """Whether it is what `shown` gives."""
    return isinstance(value, str) and value.startswith("(secret, ") and _pattern(_SHOWN).fullmatch(value) is not None


def concealed(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same properties, or the same spec, with `shown` in place of each literal secret in environment variables,
    tags and `azure:`; the very same object where there is none."""
    changed = {
        key: below
        for key, value in properties.items()
        if isinstance(value, Mapping) and (below := _within(value) if key in AREAS else concealed(value)) is not value
    }
    return {**properties, **changed} if changed else properties


def concealed_tree(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same of a mapping that is such an area itself, or that feeds one, as variables do."""
    return _within(values)


def concealed_repr(value: Any) -> str:
    """The repr of a dataclass with `shown` in place of each literal secret in them."""
    values = concealed({one.name: getattr(value, one.name) for one in fields(value) if one.repr})
    return f"{type(value).__qualname__}({', '.join(f'{name}={item!r}' for name, item in values.items())})"


def shown_change(path: str, *values: Any) -> tuple[Any, ...]:
    """The values that one field has or had, of a dotted path below a resource: each as `shown` where one of them looks
    like a secret."""
    area, _, name = path.partition(".")
    if area not in AREAS:
        return values
    if not name:
        return tuple(concealed_tree(value) if isinstance(value, Mapping) else value for value in values)
    name = name.rpartition(".")[2] if area == "azure" else name
    secret = any(isinstance(value, str) and is_secret(name, value) for value in values)
    return tuple(
        shown(name, value) if secret and isinstance(value, str) and not is_concealed(value) else value
        for value in values
    )


def concealed_words(text: str) -> str:
    """A text with a star for each character of what has the shape of a secret."""
    text = _pattern(_SHAPES).sub(lambda m: "*" * len(m[0]), text)
    return _pattern(_LONG).sub(lambda m: "*" * len(m[0]) if _is_random(m[0]) else m[0], text)


def concealed_line(text: str) -> str:
    """The same of a line of a spec, where a secret may be told by the name before it, too."""
    text = _pattern(_ADDRESS).sub(_bare, concealed_words(text))
    return _pattern(_TOLD).sub(lambda m: f"{m[1]}{m[2]}{'*' * len(m[3])}" if _tells_secret(m[1], m[3]) else m[0], text)


def _bare(address: re.Match[str]) -> str:
    """An address with its user information and its query starred out: both may authorise whoever has them."""
    start, user, place, query = (address[n] or "" for n in range(1, 5))
    if start.lower().startswith("http") or ":" in user:  # of blobs it is the container
        user = f"{'*' * (len(user) - 1)}{user[-1:]}"
    return f"{start}{user}{place}{query[:1]}{'*' * (len(query) - 1)}"


def _tells_secret(name: str, value: str) -> bool:
    return is_secret(name, value) and not value.startswith(("{{", "${{", "env:", "&", "*", "!"))


def _within(values: Mapping[str, Any]) -> Mapping[str, Any]:
    changed = {}
    for key, value in values.items():
        below = _without(str(key), value)
        if below is not value:
            changed[key] = below
    return {**values, **changed} if changed else values


def _without(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return shown(name, value) if is_secret(name, value) else value
    if isinstance(value, Mapping):
        return value if _is_reference(value) else _within(value)
    if isinstance(value, list | tuple):
        items = [_without(name, item) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    return value


def _is_reference(value: Mapping[str, Any]) -> bool:
    """`{secret: env:NAME}`: where a secret is, not what it is."""
    return set(value) == {"secret"} and str(value["secret"]).startswith("env:")


def _names_secret(name: str) -> bool:
    if not any(hint in name.lower() for hint in _HINTS):
        return False
    spelt = (name if name.isupper() else _pattern(_CAMEL).sub("_", name)).lower()
    return _pattern(_NAME).search(spelt) is not None and _pattern(_PUBLIC).search(spelt) is None


def looks_secret(value: str) -> bool:
    """Whether a text has the shape of a secret, or of something that holds one, whatever its name."""
    if len(value) < _SHORTEST and "=" not in value and "://" not in value:
        return False
    if _pattern(_SHAPES).search(value):
        return True
    return any(_is_random(found[0]) for found in _pattern(_LONG).finditer(value))


def _is_random(text: str) -> bool:
    """Whether a long word of base64's characters reads like chance, not like words, a path or a hex digest."""
    classes = [c.isdigit() * 1 + c.isupper() * 2 for c in text if c.isalnum()]
    if len(set(classes)) < 3:
        return False
    turns = sum(a != b for a, b in itertools.pairwise(classes))
    return turns >= _TURNS * (len(classes) - 1)
