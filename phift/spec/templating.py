"""Templates in scalars: Jinja2 expressions in a sandbox, rendered after parsing.

A scalar that is one expression gives a typed value, which is never parsed again; text with expressions in it gives text
(`Mixed`, which a field of another type reads as a YAML scalar). No statements, no calls, no powers, no arithmetic on
text but `+` and `~`, a short list of filters; undefined names are errors. Azure's own `${{ ... }}` passes through.

Jinja2 is imported when the first template is met that is more than a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

T = TypeVar("T")

__all__ = ["FILTERS", "Mixed", "Scope", "TemplateError", "is_template", "render_text"]

FILTERS = ("default", "d", "float", "int", "join", "length", "lower", "replace", "round", "string", "trim", "upper")
_MAX_LENGTH = 65_536
_AZURE = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
_PLACEHOLDER = re.compile("\ue000([0-9]+)\ue001")
_NAME = re.compile(r"\{\{-?\s*([a-z]+)\.([A-Za-z_][A-Za-z0-9_]*)\s*-?\}\}")
_STATEMENT = re.compile(r"\{%.*?%\}", re.DOTALL)
_NODES = frozenset(
    {
        "Template",
        "Output",
        "TemplateData",
        "Const",
        "Name",
        "Getattr",
        "Getitem",
        "Filter",
        "Test",
        "Add",
        "Sub",
        "Mul",
        "Div",
        "FloorDiv",
        "Mod",
        "Neg",
        "Pos",
        "Compare",
        "Operand",
        "And",
        "Or",
        "Not",
        "CondExpr",
        "Concat",
        "List",
        "Tuple",
    }
)


class TemplateError(Exception):
    """A template that cannot be rendered: one line, and what to do."""

    def __init__(self, summary: str, remedy: str = "") -> None:
        super().__init__(summary)
        self.summary = summary
        self.remedy = remedy


class Mixed(str):
    """Text that came out of a template with text around its expressions."""

    __slots__ = ()


class Scope:
    """A named set of values that templates read: vars, env or target. Values are made when asked for."""

    def __init__(
        self,
        name: str,
        names: Callable[[], list[str]],
        get: Callable[[str], Any],
        on_read: Callable[[str], None] | None = None,
    ) -> None:
        self.name = name
        self._names = names
        self._get = get
        self._on_read = on_read

    def lookup(self, key: str) -> Any:
        """The value of a name. Raises KeyError with a sentence for people."""
        if self._on_read:
            self._on_read(key)
        names = self._names()
        if key not in names:
            near = get_close_matches(key, names, n=1)
            raise KeyError(
                f"{self.name}.{key} is not defined" + (f"; did you mean {self.name}.{near[0]}?" if near else "")
            )
        return self._get(key)


def is_template(text: str) -> bool:
    """Whether a scalar has something to render."""
    if "{%" in text and _STATEMENT.search(text):
        return True  # refused when it is rendered, never passed on
    return "{{" in text and "{{" in _AZURE.sub("", text)


def render_text(text: str, scopes: Mapping[str, Scope]) -> Any:
    """The value of a scalar that is_template: typed for a lone expression, Mixed else. Raises TemplateError."""
    if (name := _NAME.fullmatch(text.strip())) and name[1] in scopes:
        # Most templates are a bare name. Reading it here gives what Jinja2 would, without the time its import takes.
        try:
            return scopes[name[1]].lookup(name[2])
        except KeyError as cause:
            raise TemplateError(str(cause.args[0])) from None

    from jinja2.exceptions import SecurityError, TemplateSyntaxError, UndefinedError

    try:
        run = _compiled(text)
        return run(scopes)
    except TemplateSyntaxError as cause:
        raise TemplateError(f"not a template expression: {cause.message}") from None
    except UndefinedError as cause:
        unknown = str(cause.message).endswith("is undefined")
        remedy = f"Templates read {', '.join(f'{name}.NAME' for name in scopes)}." if unknown else ""
        raise TemplateError(str(cause.message), remedy) from None
    except SecurityError as cause:
        raise TemplateError(str(cause.message)) from None
    except (ArithmeticError, TypeError, ValueError, LookupError, AttributeError) as cause:
        raise TemplateError(f"the expression fails: {cause}") from None


@lru_cache(maxsize=4096)
def _compiled(text: str) -> Callable[[Mapping[str, Scope]], Any]:
    """A template made ready once: many specs share their templates."""
    from jinja2 import nodes

    if _STATEMENT.search(text):
        raise TemplateError(
            "statements ({% ... %}) are not allowed in a spec", "Use an expression: {{ a if b else c }}"
        )
    passed = _AZURE.findall(text)
    counter = iter(range(len(passed)))
    source = _AZURE.sub(lambda _: f"\ue000{next(counter)}\ue001", text.strip())
    environment = _environment()
    tree = environment.parse(source)
    for node in tree.find_all(nodes.Node):
        kind = type(node).__name__
        if kind not in _NODES:
            raise TemplateError(f"{_NAMES.get(kind, kind)} are not allowed in a template")
    parts = [part for output in tree.find_all(nodes.Output) for part in output.nodes]
    if len(parts) == 1 and not isinstance(parts[0], nodes.TemplateData):
        expression = environment.compile_expression(_inside(source), undefined_to_none=False)
        return lambda scopes: _typed(expression(**scopes))
    template = environment.from_string(source)
    return lambda scopes: Mixed(_PLACEHOLDER.sub(lambda m: passed[int(m[1])], _bounded(template.render(**scopes))))


def _inside(source: str) -> str:
    """The expression between the braces, less Jinja's marks for trimming white space."""
    return source[2:-2].removeprefix("-").removeprefix("+").removesuffix("-").removesuffix("+")


_NAMES = {"Call": "calls", "Pow": "powers", "Dict": "mappings", "Slice": "slices"}


def _typed(value: Any) -> Any:
    from jinja2 import Undefined

    if isinstance(value, Undefined):
        value._fail_with_undefined_error()  # StrictUndefined knows what is missing
    if isinstance(value, Scope):
        raise TemplateError(f"{value.name} is a set of values", f"Name one of them: {value.name}.NAME")
    if isinstance(value, str):
        return str(_bounded(value))
    if isinstance(value, list | tuple):
        return [_typed(item) for item in value]
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float):
        return value
    raise TemplateError(f"the expression gives {type(value).__name__}, which is no YAML value")


def _bounded(value: T) -> T:
    """The value, unless it is absurdly big: variables that double each other grow without bound."""
    if isinstance(value, str | list) and len(value) > _MAX_LENGTH:
        raise TemplateError(f"the result is longer than {_MAX_LENGTH}")
    if isinstance(value, int) and value.bit_length() > 256:
        raise TemplateError("the result is a number of more than 256 bits")
    return value


@cache
def _environment() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined, Undefined
    from jinja2.exceptions import SecurityError
    from jinja2.sandbox import SandboxedEnvironment

    class SpecEnvironment(SandboxedEnvironment):
        """Reads mappings and scopes and nothing else: no attribute of a Python object is in reach."""

        intercepted_binops = frozenset({"*", "%", "+"})

        def getattr(self, obj: Any, attribute: str) -> Any:
            return self.getitem(obj, attribute)

        def getitem(self, obj: Any, argument: Any) -> Any:
            if isinstance(obj, Undefined):
                obj._fail_with_undefined_error()
            try:
                if isinstance(obj, Scope):
                    return obj.lookup(str(argument))
                if isinstance(obj, dict):
                    return obj[argument]
                if isinstance(obj, list) and isinstance(argument, int):
                    return obj[argument]
            except KeyError as cause:
                hint = str(cause.args[0]) if isinstance(obj, Scope) else f"there is no key {argument!r} here"
                return self.undefined(hint)
            except (IndexError, TypeError):
                return self.undefined(f"there is no item {argument!r} here")
            return self.undefined(f"{type(obj).__name__} has no part {argument!r}")

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            numbers = isinstance(left, int | float) and isinstance(right, int | float)
            if not numbers and operator != "+":
                raise SecurityError(f"{operator} works on numbers only")
            return _bounded(super().call_binop(context, operator, left, right))

    environment = SpecEnvironment(
        undefined=StrictUndefined,
        autoescape=False,
        comment_start_string="\ue002",  # so that {# is text like any other
        comment_end_string="\ue003",
    )
    environment.globals.clear()
    known = environment.filters
    environment.filters = {name: known[name] for name in FILTERS}
    environment.filters.update(int=_to_int, float=_to_float, replace=_replace, join=_join, length=_length)
    return environment


def _to_int(value: Any) -> int:
    """Strict: Jinja's own gives 0 for what is no number."""
    if isinstance(value, str) and not re.fullmatch(r"\s*[-+]?[0-9]+\s*", value):
        raise ValueError(f"{value!r} is no whole number")
    return int(value)


def _to_float(value: Any) -> float:
    """Strict: Jinja's own gives 0.0 for what is no number."""
    return float(value)


def _replace(value: Any, old: str, new: str) -> str:
    if not old:
        raise ValueError("replace needs the text to be replaced")
    text = _bounded(str(value))
    if len(text) + text.count(old) * len(new) > _MAX_LENGTH:
        raise TemplateError(f"the result is longer than {_MAX_LENGTH}")
    return text.replace(old, new)


def _join(values: Any, separator: str = "") -> str:
    texts = [str(value) for value in values]
    if sum(map(len, texts)) + len(texts) * len(separator) > _MAX_LENGTH:
        raise TemplateError(f"the result is longer than {_MAX_LENGTH}")
    return separator.join(texts)


def _length(value: Any) -> int:
    return len(value)
