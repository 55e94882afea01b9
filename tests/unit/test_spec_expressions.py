"""Expressions are evaluated here and not by Jinja2, and mean what they mean there; and they have a budget."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import StrictUndefined, Undefined
from jinja2.sandbox import SandboxedEnvironment

from phift.spec.budget import Budget, SpentError, TemplateError
from phift.spec.template_values import Mixed, Scope
from phift.spec.templating import render_text

VARS: dict[str, Any] = {
    "n": 3,
    "lr": 5e-6,
    "text": "ab",
    "list": [1, "x", 2.5],
    "map": {"a": 4},
    "yes": True,
    "nil": None,
}
SCOPES = {"vars": Scope("vars", lambda: VARS, VARS.__getitem__)}
JINJA = SandboxedEnvironment(undefined=StrictUndefined)
JINJA.globals.clear()

_atoms = st.sampled_from(
    [
        *(f"vars.{name}" for name in VARS),
        *("vars.list[0]", "vars.list[9]", "vars['map'].a", "vars.map.b", "vars.nope", "nope"),
        *("1", "0", "-2", "2.5", "1e3", "'a'", "''", "'12'", "true", "false", "none", "[1, 'a']", "()", "[[1], 2]"),
    ]
)


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.sampled_from(
        ["+", "-", "*", "/", "//", "%", "~", "and", "or", "==", "!=", "<", "<=", ">", ">=", "in", "not in"]
    )
    filters = st.sampled_from(
        [
            *("upper", "lower", "trim", "string", "length", "join(',')", "default(7)", "d('x', true)", "round"),
            *("round(1)", "round(1, 'floor')", "replace('a', 'b')"),
        ]
    )
    tests = st.sampled_from(
        ["defined", "undefined", "none", "number", "string", "odd", "even", "divisibleby(2)", "in([1, 2])", "mapping"]
    )
    return st.one_of(
        st.builds("({} {} {})".format, inner, binary, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("({} if {})".format, inner, inner),
        st.builds("({} | {})".format, inner, filters),
        st.builds("({} is {})".format, inner, tests),
        st.builds("(not {})".format, inner),
        st.builds("(-{})".format, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("({} < {} < {})".format, inner, inner, inner),
    )


expressions = st.recursive(_atoms, _combined, max_leaves=8)


def by_jinja(expression: str) -> object:
    """What Jinja2 itself gives; an exception where it gives none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # `1 is defined` of constants, in what Jinja compiles
            return listed(JINJA.compile_expression(expression, undefined_to_none=False)(vars=VARS))
    except Exception as error:  # noqa: BLE001  (whatever it is)
        return error


def listed(value: Any) -> Any:
    """With lists for tuples, as YAML has no others. Raises LookupError for what is undefined."""
    if isinstance(value, Undefined):
        raise LookupError
    return [listed(item) for item in value] if isinstance(value, list | tuple) else value


@settings(max_examples=400)
@given(expressions)
def test_it_means_what_jinja_means(expression: str) -> None:
    wanted = by_jinja(expression)
    found = rendered(f"{{{{ {expression} }}}}")
    if isinstance(found, TemplateError):
        drops = "%" in expression and "there is no" in found.summary  # Jinja: text % undefined is the text
        assert drops or is_stricter(found) or isinstance(wanted, Exception), (expression, wanted, found)
    else:
        assert repr(found) == repr(wanted), expression


def rendered(text: str) -> object:
    try:
        return render_text(text, SCOPES)
    except TemplateError as error:
        return error


def is_stricter(refused: TemplateError) -> bool:
    """Whether it is for a rule of ours: no arithmetic on text, and the like."""
    return any(words in refused.summary for words in ("numbers only", "set of values", "not a finite", "text only"))


@settings(max_examples=200)
@given(st.lists(st.one_of(expressions, st.text("ab {}%#$", max_size=6)), min_size=2, max_size=4))
def test_text_with_expressions_is_what_jinja_makes_of_it(parts: list[str]) -> None:
    text = "x" + "".join(p if set(p) <= set("ab {}%#$") else f"{{{{ {p} }}}}" for p in parts) + "x"
    if "{%" in text or "{#" in text or "${{" in text or "{{" not in text:
        return  # statements are refused, comments are text, ${{ }} passes through
    try:
        wanted: object = JINJA.from_string(text).render(vars=VARS)
    except Exception as error:  # noqa: BLE001
        wanted = error
    found = rendered(text)
    if isinstance(found, TemplateError):
        assert is_stricter(found) or isinstance(wanted, Exception), (text, wanted, found)
    else:
        assert isinstance(found, Mixed)
        assert found == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ 1 | round(-31) }}", "decimal places"),
        ("{{ 1 | round(1.5) }}", "decimal places"),
        ("{{ 1 | round(1, 'up') }}", "common, ceil and floor"),
        ("{{ 'a' | round }}", "numbers only"),
        ("{{ 1e308 * 10 }}", "not a finite number"),
        ("{{ 'inf' | float }}", "not a finite number"),
        ("{{ 2 * (1" + " * 10" * 30 + ") * 1" + "0" * 60 + " }}", "256 bits"),
        ("{{ vars | string }}", "set of values"),
        ("{{ vars ~ 'a' }}", "set of values"),
        ("{{ vars.list | join(vars.map) }}", ""),
        ("{{ [1](*vars.list) }}", "calls"),
        ("{{ vars.text | default(*vars.list) }}", "not allowed"),
        ("{{ 1 is nothing }}", "No test named 'nothing'"),
        ("{{ " + "(" * 500 + "1" + ")" * 500 + " }}", "nested too deeply"),
        ("{{ " + "1 + " * 300 + "1 }}", "nested too deeply"),
        ("{{ '\ue0001\ue001' }}", "U+E000"),
        ("{{ 1 }}" + "x" * 70_000, "longer than 65536"),
    ],
)
def test_what_would_not_end_well_is_refused(text: str, words: str) -> None:
    if not words:
        assert isinstance(render_text(text, SCOPES), str)
        return
    with pytest.raises(TemplateError) as refused:
        render_text(text, SCOPES)
    assert words in refused.value.summary


def test_azures_own_expressions_pass_through_constants_too() -> None:
    assert render_text("{{ '${{ parent.x }}' }}", SCOPES) == "${{ parent.x }}"
    assert render_text("{{ vars.n }}-${{ a }}-{{ '${{b}}' ~ 1 }}", SCOPES) == "3-${{ a }}-${{b}}1"


def test_a_budget_counts_what_is_parsed_made_and_kept() -> None:
    def many(budget: Budget) -> None:
        for number in range(10_000):
            render_text(f"{{{{ {number} + 1 }}}}", SCOPES, budget)

    def long(budget: Budget) -> None:
        for _ in range(100):
            budget.keep("x" * 60_000)

    with pytest.raises(SpentError, match="too many steps"):
        many(Budget())
    with pytest.raises(SpentError, match="too much text"):
        long(Budget())
    budget = Budget()
    for _ in range(10_000):
        render_text("{{ vars.n + 1 }}", SCOPES, budget)  # of the same text: parsed once
    assert budget.weigh([[1], {"a": "bc"}])[1] == 2
    with pytest.raises(TemplateError, match="finite"):
        budget.weigh([float("nan")])


def test_levels_are_given_back_also_when_there_are_too_many() -> None:
    budget = Budget()
    for _ in range(3):
        with pytest.raises(TemplateError, match="chain of references between them is too long"):
            budget.enter(1000)
    budget.enter(100)
    budget.leave(100)
