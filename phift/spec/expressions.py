"""Bounded evaluation of Jinja2 expressions, node by node.

Each step is counted, and the size of its result is bounded in advance. Expressions are parsed by Jinja2; its compiler
is not used, because compiled templates run without bounds.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from jinja2 import StrictUndefined, Undefined, nodes
from jinja2.exceptions import SecurityError, TemplateRuntimeError, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from phift.spec.budget import MAX_SIZE, Budget, TemplateError, require_number
from phift.spec.template_values import FILTERS, Mixed, Scope, azure_parts

__all__ = ["evaluate"]

_PLACEHOLDER = re.compile("\ue000([0-9]+)\ue001")
_NAMES = {"Call": "calls", "Pow": "powers", "Dict": "mappings", "Slice": "slices"}
_FILTERS = ", ".join(FILTERS)
_TEXT_STEP = 64  # characters that count as a step
_PLACES = 30  # decimal places of round
_ARITHMETIC: dict[type[nodes.Node], tuple[str, Callable[[Any, Any], Any]]] = {
    nodes.Sub: ("-", operator.sub),
    nodes.Mul: ("*", operator.mul),
    nodes.Div: ("/", operator.truediv),
    nodes.FloorDiv: ("//", operator.floordiv),
    nodes.Mod: ("%", operator.mod),
}
_COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gteq": operator.ge,
    "lt": operator.lt,
    "lteq": operator.le,
    "in": lambda one, other: one in other,
    "notin": lambda one, other: one not in other,
}


def evaluate(text: str, scopes: Mapping[str, Scope], budget: Budget) -> Any:
    """Return the value of a template: typed for a single expression, otherwise Mixed. Raises TemplateError."""
    budget.parse(text)
    try:
        parts, passed = _parsed(text)
        run = _Run(scopes, budget, passed)
        if len(parts) == 1 and not isinstance(parts[0], nodes.TemplateData):
            return _typed(run.value(parts[0]))
        return Mixed(run.joined(parts))
    except TemplateSyntaxError as cause:
        raise TemplateError(f"not a template expression: {cause.message}") from None
    except UndefinedError as cause:
        unknown = str(cause.message).endswith("is undefined")
        remedy = f"Templates read {', '.join(f'{name}.NAME' for name in scopes)}." if unknown else ""
        raise TemplateError(str(cause.message), remedy) from None
    except RecursionError:
        raise TemplateError("the expression is nested too deeply") from None
    except (SecurityError, TemplateRuntimeError) as cause:
        raise TemplateError(str(cause.message)) from None
    except (ArithmeticError, TypeError, ValueError, LookupError, AttributeError) as cause:
        raise TemplateError(f"the expression fails: {cause}") from None


@lru_cache(maxsize=4096)
def _parsed(text: str) -> tuple[Sequence[nodes.Node], Sequence[str]]:
    """Return the parts of a template, and the Azure expressions in it. Cached, as many specs share their templates."""
    if "\ue000" in text:
        raise TemplateError("the template contains the character U+E000, which phift reserves")
    pieces = azure_parts(text.strip())
    passed = pieces[1::2]
    source = "".join(piece if number % 2 == 0 else f"\ue000{number // 2}\ue001" for number, piece in enumerate(pieces))
    tree = _environment().parse(source)
    waiting: list[nodes.Node] = [tree]
    while waiting:
        node = waiting.pop()
        if type(node) not in _KNOWN or getattr(node, "dyn_args", None) or getattr(node, "dyn_kwargs", None):
            kind = type(node).__name__
            raise TemplateError(f"{_NAMES.get(kind, kind)} are not allowed in a template")
        if isinstance(node, nodes.Filter) and node.name not in _environment().filters:
            raise TemplateError(f"not a template expression: No filter named {node.name!r}.", f"Filters: {_FILTERS}.")
        if isinstance(node, nodes.Test) and node.name not in _environment().tests:
            raise TemplateError(f"not a template expression: No test named {node.name!r}.")
        waiting += node.iter_child_nodes()
    return [part for output in tree.body if isinstance(output, nodes.Output) for part in output.nodes], passed


class _Run:
    """An evaluation."""

    def __init__(self, scopes: Mapping[str, Scope], budget: Budget, passed: Sequence[str]) -> None:
        self._scopes = scopes
        self._budget = budget
        self._passed = passed
        self._environment = _environment()

    def value(self, node: Any) -> Any:
        """Return the bounded value of a node. Raises TemplateError and the errors of Jinja's operations."""
        self._budget.step()
        self._budget.enter()
        try:
            return _KNOWN[type(node)](self, node)
        finally:
            self._budget.leave()

    def joined(self, parts: Sequence[Any]) -> str:
        """Return the joined texts of several nodes."""
        texts: list[str] = []
        size = 0
        for part in parts:
            text = self._restored(part.data) if isinstance(part, nodes.TemplateData) else self._text(self.value(part))
            texts.append(text)
            size += len(text)
            _require_fitting(size)
        return "".join(texts)

    def _text(self, value: Any) -> str:
        _require_value(value)
        if not isinstance(value, str):
            _require_fitting(self._budget.weigh(value)[0])
        return str(value)

    def _restored(self, text: str) -> str:
        return _PLACEHOLDER.sub(lambda m: self._passed[int(m[1])], text) if self._passed else text

    def _weighed(self, value: Any) -> Any:
        """Return an operand after taking steps according to its size."""
        _require_value(value)
        if isinstance(value, str):
            self._budget.step(len(value) // _TEXT_STEP)
        elif isinstance(value, list | tuple | dict):
            self._budget.weigh(value)
        return value

    def _result(self, value: Any) -> Any:
        if isinstance(value, str):
            _require_fitting(len(value))
        elif isinstance(value, list | tuple | dict):
            _require_fitting(self._budget.weigh(value)[0])
        else:
            require_number(value)
        return value

    def _const(self, node: Any) -> Any:
        return self._result(self._restored(node.value) if isinstance(node.value, str) else node.value)

    def _name(self, node: Any) -> Any:
        if node.name in self._scopes:
            return self._scopes[node.name]
        return self._environment.undefined(name=node.name)

    def _getattr(self, node: Any) -> Any:
        return self._item(self.value(node.node), node.attr)

    def _getitem(self, node: Any) -> Any:
        return self._item(self.value(node.node), self.value(node.arg))

    def _item(self, whole: Any, argument: Any) -> Any:
        """Return an item of a mapping, list or scope. Attributes of Python objects are not accessible."""
        _require_defined(whole)
        undefined = self._environment.undefined
        try:
            if isinstance(whole, Scope):
                return whole.lookup(str(argument))
            if isinstance(whole, dict) or (isinstance(whole, list) and isinstance(argument, int)):
                return whole[argument]
        except KeyError as cause:
            return undefined(str(cause.args[0]) if isinstance(whole, Scope) else f"key {argument!r} not found")
        except (IndexError, TypeError):
            return undefined(f"item {argument!r} not found")
        return undefined(f"{type(whole).__name__} has no attribute {argument!r}")

    def _filter(self, node: Any) -> Any:
        value = self._weighed(self.value(node.node))
        arguments, named = self._arguments(node)
        return self._result(self._environment.filters[node.name](value, *arguments, **named))

    def _test(self, node: Any) -> Any:
        value = self.value(node.node)
        if not isinstance(value, Scope):
            self._weighed(value)
        arguments, named = self._arguments(node)
        return self._environment.call_test(node.name, value, arguments, named)

    def _arguments(self, node: Any) -> tuple[list[Any], dict[str, Any]]:
        arguments = [self._weighed(self.value(argument)) for argument in node.args]
        return arguments, {pair.key: self._weighed(self.value(pair.value)) for pair in node.kwargs}

    def _add(self, node: Any) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(left, str) and isinstance(right, str):
            _require_fitting(len(left) + len(right))
        else:
            self._weighed(left)
            self._weighed(right)
        return self._result(left + right)

    def _arithmetic(self, node: Any) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        sign, work = _ARITHMETIC[type(node)]
        if not (isinstance(left, int | float) and isinstance(right, int | float)):
            _require_defined(left)
            _require_defined(right)
            raise SecurityError(f"{sign} works on numbers only")
        return self._result(work(left, right))

    def _sign(self, node: Any) -> Any:
        value = self.value(node.node)
        return self._result(-value if isinstance(node, nodes.Neg) else +value)

    def _compare(self, node: Any) -> Any:
        left = self._weighed(self.value(node.expr))
        for operand in node.ops:
            right = self._weighed(self.value(operand.expr))
            result = _COMPARED[operand.op](left, right)
            if not result:
                return result
            left = right
        return result

    def _and(self, node: Any) -> Any:
        return self.value(node.left) and self.value(node.right)

    def _or(self, node: Any) -> Any:
        return self.value(node.left) or self.value(node.right)

    def _not(self, node: Any) -> Any:
        return not self.value(node.node)

    def _condition(self, node: Any) -> Any:
        if self.value(node.test):
            return self.value(node.expr1)
        if node.expr2 is not None:
            return self.value(node.expr2)
        return Undefined("the expression has no else, and its condition is false")  # as in Jinja2: no text among text

    def _concat(self, node: Any) -> Any:
        return self.joined(node.nodes)

    def _list(self, node: Any) -> Any:
        return self._result([self.value(item) for item in node.items])

    def _tuple(self, node: Any) -> Any:
        return tuple(self._list(node))


def _structure(run: _Run, node: Any) -> Any:
    raise TypeError(f"{type(node).__name__} has no value")


_KNOWN: dict[type[nodes.Node], Callable[[_Run, Any], Any]] = {
    **dict.fromkeys((nodes.Template, nodes.Output, nodes.TemplateData, nodes.Operand, nodes.Keyword), _structure),
    nodes.Const: _Run._const,
    nodes.Name: _Run._name,
    nodes.Getattr: _Run._getattr,
    nodes.Getitem: _Run._getitem,
    nodes.Filter: _Run._filter,
    nodes.Test: _Run._test,
    nodes.Add: _Run._add,
    **dict.fromkeys(_ARITHMETIC, _Run._arithmetic),
    nodes.Neg: _Run._sign,
    nodes.Pos: _Run._sign,
    nodes.Compare: _Run._compare,
    nodes.And: _Run._and,
    nodes.Or: _Run._or,
    nodes.Not: _Run._not,
    nodes.CondExpr: _Run._condition,
    nodes.Concat: _Run._concat,
    nodes.List: _Run._list,
    nodes.Tuple: _Run._tuple,
}


def _typed(value: Any) -> Any:
    _require_defined(value)
    _require_value(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, list | tuple):
        return [_typed(item) for item in value]
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float):
        return value
    raise TemplateError(f"the result is of type {type(value).__name__}, which is not a YAML value")


def _require_defined(value: Any) -> None:
    """Raise UndefinedError for an undefined value, as Jinja2 does on every use."""
    if isinstance(value, Undefined):
        operator.pos(value)


def _require_value(value: Any) -> None:
    if isinstance(value, Scope):
        raise TemplateError(f"{value.name} is a set of values", f"Select one: {value.name}.NAME")


def _require_fitting(size: int) -> None:
    if size > MAX_SIZE:
        raise TemplateError(f"the result is longer than {MAX_SIZE} characters")


@cache
def _environment() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,
        comment_start_string="\ue002",  # so that {# is text like any other
        comment_end_string="\ue003",
    )
    environment.globals.clear()
    known = environment.filters
    environment.filters = {name: known[name] for name in FILTERS}
    own = {"int": _to_int, "float": _to_float, "replace": _replace, "join": _join, "length": _length, "round": _round}
    environment.filters.update(own)
    return environment


def _to_int(value: Any) -> int:
    """Convert strictly: Jinja's own filter returns 0 if the value is not a number."""
    if isinstance(value, str) and not re.fullmatch(r"\s*[-+]?[0-9]{1,80}\s*", value):
        raise ValueError(f"{value[:40]!r} is not a whole number")
    return int(value)


def _to_float(value: Any) -> float:
    """Convert strictly: Jinja's own filter returns 0.0 if the value is not a number."""
    return float(value)


def _round(value: Any, places: Any = 0, method: Any = "common") -> float:
    """Round like Jinja, with a bounded number of decimal places."""
    if not isinstance(places, int) or isinstance(places, bool) or abs(places) > _PLACES:
        raise ValueError(f"round accepts {-_PLACES} to {_PLACES} decimal places")
    if method not in ("common", "ceil", "floor"):
        raise ValueError("the methods of round are common, ceil and floor")
    _require_defined(value)
    if not isinstance(value, int | float):
        raise ValueError("round works on numbers only")
    if method == "common":
        return round(value, places)
    work = math.ceil if method == "ceil" else math.floor
    return float(work(value * 10**places) / 10**places)


def _replace(value: Any, old: Any, new: Any) -> str:
    if not isinstance(old, str) or not isinstance(new, str):
        raise ValueError("replace works on text only")
    if not old:
        raise ValueError("replace requires the text to replace")
    text = str(value)
    _require_fitting(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def _join(values: Any, separator: Any = "") -> str:
    texts = [str(value) for value in values]
    _require_fitting(sum(map(len, texts)) + len(texts) * len(str(separator)))
    return str(separator).join(texts)


def _length(value: Any) -> int:
    return len(value)
