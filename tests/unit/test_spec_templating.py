"""Templates: what they give, and what they refuse."""

from collections.abc import Mapping

import pytest

from phift.spec.template_values import Mixed, Scope
from phift.spec.templating import TemplateError, is_template, render_text

VARS: Mapping[str, object] = {
    "n": 3,
    "lr": 5e-6,
    "text": "ab",
    "list": [1, 2],
    "map": {"items": 4},
    "brace": "{{ vars.n }}",
}
ENV: Mapping[str, object] = {"HOME": "/root"}


def scope(name: str, values: Mapping[str, object]) -> Scope:
    return Scope(name, lambda: list(values), values.__getitem__)


SCOPES = {"vars": scope("vars", VARS), "env": scope("env", ENV), "target": scope("target", {"name": "local"})}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ vars.n }}", 3),
        ("{{vars.lr}}", 5e-6),
        ("{{- vars.n -}}", 3),
        ("{{ -vars.n }}", -3),
        ("{{ vars.n * 2 + 1 }}", 7),
        ("{{ vars.n / 2 }}", 1.5),
        ("{{ vars.map.items }}", 4),
        ("{{ vars['map'] }}", {"items": 4}),
        ("{{ vars.list[1] }}", 2),
        ("{{ vars.list }}", [1, 2]),
        ("{{ vars.n if target.name == 'local' else 1 }}", 3),
        ("{{ env.NOPE | default('x') }}", "x"),
        ("{{ vars.brace }}", "{{ vars.n }}"),
        ("{{ '7' | int }}", 7),
        ("{{ '5e-6' | float }}", 5e-6),
        ("{{ vars.text | upper }}", "AB"),
        ("{{ vars.text ~ vars.n }}", "ab3"),
        ("{{ '{{' }}", "{{"),
        ("{{ vars.n is defined }}", True),
    ],
)
def test_a_lone_expression_keeps_its_type(text: str, value: object) -> None:
    result = render_text(text, SCOPES)
    assert repr(result) == repr(value)
    assert not isinstance(result, Mixed)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a-{{ vars.n }}", "a-3"),
        ("{{ vars.n }}{{ vars.n }}", "33"),
        ("{{ vars.n }} ${{ parent.inputs.x }}", "3 ${{ parent.inputs.x }}"),
        ("{# {{ vars.n }}", "{# 3"),
    ],
)
def test_text_with_expressions_is_text(text: str, value: str) -> None:
    result = render_text(text, SCOPES)
    assert result == value
    assert isinstance(result, Mixed)


@pytest.mark.parametrize("text", ["${{ parent.x }}", "plain", "{ {", "100 %}", "}}"])
def test_other_text_is_no_template(text: str) -> None:
    assert not is_template(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ vars.m }}", "vars.m is not defined"),
        ("{{ vars.lists }}", "did you mean vars.list?"),
        ("{{ foo }}", "'foo' is undefined"),
        ("{{ vars.m.x }}", "vars.m is not defined"),
        ("{{ vars.list[9] }}", "item 9 not found"),
        ("{{ vars }}", "vars is a set of values"),
        ("{% if 1 %}{{ 1 }}{% endif %}", "statements"),
        ("{% if 1 %}a{% endif %}", "statements"),
        ("{% if", "statements"),
        ("{{ vars.text.upper() }}", "calls"),
        ("{{ vars.text.__class__ }}", "no attribute '__class__'"),
        ("{{ ().__class__ }}", "no attribute"),
        ("{{ vars.text * 9 }}", "* works on numbers only"),
        ("{{ vars.list * 9 }}", "* works on numbers only"),
        ("{{ '%9999999999d' % 3 }}", "% works on numbers only"),
        ("{{ 9 ** 9 }}", "powers"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ 'x' | int }}", "is not a whole number"),
        ("{{ vars.text | batch }}", "No filter named 'batch'"),
        ("{{ vars.n", "not a template expression"),
        ("{{ }}", "not a template expression"),
        ("{{ lipsum }}", "is undefined"),
        ("{{ vars.text | replace('', 'x') }}", "replace requires"),
        (
            "{{ ('a' | replace('a', 'bbbbbbbbbbbbbbbb'))" + " | replace('b', 'bbbbbbbbbbbbbbbb')" * 9 + " }}",
            "longer than",
        ),
    ],
)
def test_the_sandbox_holds(text: str, words: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render_text(text, SCOPES)
    assert words in f"{caught.value.summary} {caught.value.remedy}"


@pytest.mark.parametrize("name", [*(f"vars.{key}" for key in VARS), "env.HOME", "target.name"])
def test_a_bare_name_gives_what_jinja_gives(name: str) -> None:
    """The short way and Jinja2's own (parentheses take it) agree."""
    assert repr(render_text(f"{{{{ {name} }}}}", SCOPES)) == repr(render_text(f"{{{{ ({name}) }}}}", SCOPES))


def test_a_bare_name_that_is_missing_is_told_as_jinja_tells_it() -> None:
    said = []
    for text in ("{{ vars.lists }}", "{{ (vars.lists) }}"):
        with pytest.raises(TemplateError) as caught:
            render_text(text, SCOPES)
        said.append(caught.value.summary)
    assert said[0] == said[1]
