"""Detect literal secrets and conceal them.

A secret in plain text in a spec is already exposed, but must not also be printed, saved and logged. The replacement
shows its length and a fingerprint that reveals changes.
"""

from __future__ import annotations

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

AREAS = ("environment_variables", "tags", "properties", "azure")
"""Keys of a spec, and of a resource's properties, to search for literal secrets."""
FEEDING = ("vars", "matrix")
"""Blocks of a spec whose values are used elsewhere in it."""

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
"""Every name that matches _NAME contains one of these."""
_CAMEL = r"(?<=[a-z0-9])(?=[A-Z])"
_PUBLIC = r"(?:^|[^a-z])public(?:$|[^a-z])|^(?:text|label|ground_truth|sentence[12])_key$"
"""Public keys, and the inputs of the fine-tune components that name a column."""
_NOT_SECRET = r"(?i)|true|false|yes|no|on|off|null|none|<.*>|\[.*\]"
"""Empty values, and special tokens of models such as <pad>."""

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
_SHORTEST = 16  # minimum characters to match by format, except for a password after = or in a URL
_LONGEST = 256  # maximum characters of a value to cache
_LOOKED_AT = 65_536  # maximum characters of a value to search
_TURNS = 0.42
"""Threshold for the share of characters whose class (upper, lower, digit) differs from the previous one: words and
paths are below, random base64 is above."""

_SHOWN = r"\(secret, [0-9]+ characters?, fingerprint [0-9a-f]{4}\)"
_ADDRESS = (
    r"""([A-Za-z]{2,8}://)([^\s/@"'?#:]{1,256}(?::[^\s@"'?#]{0,256})?@)?([^\s"'?#]{1,2048})(\?[^\s"'{}]{1,4096})?"""
)
_TOLD = r"(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]{1,64})([\"']?\s{0,8}[:=]\s{0,8}[\"']?)([^\s\"',{}\[\]]{3,256})"


def is_secret(name: str, value: str) -> bool:
    """Return whether a value looks like a secret, by its name or its format. Hex digests and UUIDs do not match by
    format."""
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
    """Compile on first use; most specs need no pattern."""
    return re.compile(text, re.VERBOSE if "\n" in text else 0)


def shown(name: str, value: str) -> str:
    """Return the replacement of a secret: its length, and a fingerprint of four digits.

    The fingerprint is salted with the name, and too short to verify guesses: one in 65,536 matches by chance.
    """
    import hashlib  # slow to import, and most specs hold no secret

    digest = hashlib.blake2b(value.encode(errors="surrogatepass"), key=name.encode(errors="replace")[:64]).hexdigest()
    return f"(secret, {len(value)} character{'' if len(value) == 1 else 's'}, fingerprint {digest[:4]})"


def is_concealed(value: object) -> bool:
    """Return whether the value is an output of `shown`."""
    return isinstance(value, str) and value.startswith("(secret, ") and _pattern(_SHOWN).fullmatch(value) is not None


def concealed(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """Replace each literal secret in environment variables, tags and `azure:` of properties or a spec with `shown`;
    return the same object if there is none."""
    changed = {
        key: below
        for key, value in properties.items()
        if isinstance(value, Mapping) and (below := _within(value) if key in AREAS else concealed(value)) is not value
    }
    return {**properties, **changed} if changed else properties


def concealed_tree(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Do the same for a mapping that is such a block itself, or provides its values, like variables."""
    return _within(values)


def concealed_repr(value: Any) -> str:
    """The repr of a dataclass with `shown` in place of each literal secret in them."""
    values = concealed({one.name: getattr(value, one.name) for one in fields(value) if one.repr})
    return f"{type(value).__qualname__}({', '.join(f'{name}={item!r}' for name, item in values.items())})"


def shown_change(path: str, *values: Any) -> tuple[Any, ...]:
    """Conceal the current and former values of a field (dotted path below a resource) if one of them looks like a
    secret."""
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
    """Mask the parts of a text that have the format of a secret with stars."""
    text = _pattern(_SHAPES).sub(lambda m: "*" * len(m[0]), text)
    return _pattern(_LONG).sub(lambda m: "*" * len(m[0]) if _is_random(m[0]) else m[0], text)


def concealed_line(text: str) -> str:
    """Do the same for a line of a spec, where the preceding name may also mark a secret."""
    text = _pattern(_ADDRESS).sub(_bare, concealed_words(text))
    return _pattern(_TOLD).sub(lambda m: f"{m[1]}{m[2]}{'*' * len(m[3])}" if _tells_secret(m[1], m[3]) else m[0], text)


def _bare(address: re.Match[str]) -> str:
    """Mask user information and query of an address: both may contain credentials."""
    start, user, place, query = (address[n] or "" for n in range(1, 5))
    if start.lower().startswith("http") or ":" in user:  # for blobs, this is the container
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
    """Return whether the value is `{secret: env:NAME}`: a reference to a secret, not its value."""
    return set(value) == {"secret"} and str(value["secret"]).startswith("env:")


def _names_secret(name: str) -> bool:
    if not any(hint in name.lower() for hint in _HINTS):
        return False
    spelt = (name if name.isupper() else _pattern(_CAMEL).sub("_", name)).lower()
    return _pattern(_NAME).search(spelt) is not None and _pattern(_PUBLIC).search(spelt) is None


def looks_secret(value: str) -> bool:
    """Return whether a text has the format of a secret, or contains one, regardless of its name."""
    if len(value) < _SHORTEST and "=" not in value and "://" not in value:
        return False
    if _pattern(_SHAPES).search(value):
        return True
    return any(_is_random(found[0]) for found in _pattern(_LONG).finditer(value))


def _is_random(text: str) -> bool:
    """Return whether a long word of base64 characters looks random rather than like words, a path or a hex digest."""
    classes = [c.isdigit() * 1 + c.isupper() * 2 for c in text if c.isalnum()]
    if len(set(classes)) < 3:
        return False
    turns = sum(a != b for a, b in itertools.pairwise(classes))
    return turns >= _TURNS * (len(classes) - 1)
