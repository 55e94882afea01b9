"""What strangers name, shown: nothing of it acts on a terminal, in Markdown or in HTML."""

from __future__ import annotations

import io
import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phift.address import Address
from phift.diagnostics import Diagnostic, Mark, Severity
from phift.errors import PhiftError
from phift.inert import inert
from phift.plan.action import Action, ChangeAction, ChangedBy
from phift.plan.model import FieldChange, Plan, PlannedResource
from phift.views import json as json_view
from phift.views import markdown
from phift.views.base import PlanOptions, Sink
from phift.views.harmless import harmless, shown_text
from phift.views.human import diagnostics, errors
from phift.views.human import plan as text
from phift.views.markdown import Comment, Since
from phift.views.markdown_text import Links, code, escaped, html

EVIL = (
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31m",
    "a\u202eb\u2066c",
    "zero\u200bwidth\ufeff",
    "two\nlines\rone",
    "@octocat",
    "@my-org/team",
    "#1",
    "GH-1",
    "owner/repo#1",
    "owner/repo@0123456789abcdef0123456789abcdef01234567",
    "0123456789abcdef0123456789abcdef01234567",
    "![x](https://evil.example/x.png)",
    "[x](https://evil.example)",
    "https://evil.example",
    "www.evil.example",
    "<img src=https://evil.example/x>",
    "<!-- x -->",
    "</details>",
    "&#64;octocat",
    "`a` ``b`` ```c```",
    "a`",
    "\\`a",
    "| a | b |",
    "a\\|b",
    "**a** _b_ ~~c~~ $d$",
    "\n\n# heading",
)


ACTING = (r"@\w", r"(?<!&)#\d", r"\bGH-\d")


def plan(evil: str) -> Plan:
    """One plan that holds it wherever a text can be."""
    return Plan(
        evil,
        evil,
        evil,
        evil,
        evil,
        "0",
        evil,
        resources=(
            PlannedResource(
                Address("compute", evil or "x"),
                Action.UPDATE,
                evil,
                reason=evil,
                changes=(
                    FieldChange(
                        evil, evil, {evil: [evil]}, ChangeAction.UPDATE, evil, ChangedBy.YOU, evil, applied=evil
                    ),
                ),
                desired={evil: evil},
                details={evil: {evil: evil}},
                notes=(evil,),
            ),
            PlannedResource(Address("job", "a"), Action.CREATE, evil, desired={evil: [evil], "tags": {evil: evil}}),
        ),
        warnings=(Diagnostic(evil, Severity.WARNING, evil, evil, Mark(evil, 3, 1), evil, evil, code=evil),),
        notes=(evil,),
        env_names=(evil,),
    )


def since(evil: str, diff: str) -> Comment:
    return Comment(key=evil, links=Links("https://example.test/blob/main"), since={evil: Since(evil, diff)})


def active(shown: str) -> list[str]:
    return [c for c in shown if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp", "Cs"}]


def outside_code(comment: str) -> str:
    """The comment without what neither Markdown nor GitHub look into: fenced blocks, code spans, and <code>."""
    left = re.sub(r"^(`{3,})diff\n.*?^\1$", "", comment, flags=re.DOTALL | re.MULTILINE)
    left = re.sub(r"<code>[^<]*</code>", "", left)
    return re.sub(r"(?<![\\`])(`+)(?!`).+?(?<!`)\1(?!`)", "", left)


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_acts_in_a_text(evil: str) -> None:
    for shown in (
        text.render(plan(evil), PlanOptions(show_unchanged=True, show_suppressed=True)),
        diagnostics.render(plan(evil).warnings),
        errors.render(PhiftError(evil, detail=evil, remedy=evil, address=evil)),
        json_view.plan(plan(evil)),
    ):
        assert active(shown) == []


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_acts_in_a_comment(evil: str) -> None:
    for shown in (
        markdown.plan(plan(evil), PlanOptions(show_unchanged=True), since(evil, f"-{evil}\n+{evil}")),
        markdown.plan(plan(evil), PlanOptions(show_suppressed=True), since(evil, "")),
    ):
        assert active(shown) == []
        head, _, rest = shown.partition("\n")
        assert re.fullmatch(r"<!-- phift-plan:[a-z0-9*.-]* -->", head)
        open_ = outside_code(rest)
        for pattern in (
            r"@\w",
            r"(?<!&)#\d",
            r"\bGH-\d",
            r"://",
            r"www\.",
            r"\b[0-9a-f]{40}\b",
            r"(?<!\\)!?\[",
            r"&#64;",
        ):
            assert re.search(pattern, open_) is None, (pattern, open_)
        tags = set(re.findall(r"<[^ >]+", open_))
        assert tags <= {f"<{end}{tag}" for tag in ("details", "summary", "sub", "b", "p", "br") for end in ("", "/")}
        assert open_.count("<details>") == open_.count("</details>")


@given(st.text(max_size=40))
def test_a_code_span_ends_where_it_should(said: str) -> None:
    span = code(said)
    if not span:
        assert not said.split()
        return
    fence = re.match("`+", span)
    assert fence
    assert span.endswith(fence[0])
    inner = span[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in re.findall("`+", inner)
    assert "\n" not in span


@given(st.text(max_size=40))
def test_text_and_html_hold_no_open_tag(said: str) -> None:
    assert "<" not in outside_code(escaped(said))
    assert set(re.findall("<[^>]*>?", html(said))) <= {"<code>", "</code>"}


def test_ordinary_text_stays_as_it_is() -> None:
    for said in ("learning_rate changed since model version 1", "gpu-cluster", "configs/quickstart.yaml", "é中文"):
        assert escaped(said) == html(said) == inert(said) == said
    planned = plan("x")
    assert harmless(planned) is planned


def test_the_marker_of_a_stack_is_that_of_its_name_alone() -> None:
    assert markdown.marker("quickstart-prod") == "<!-- phift-plan:quickstart-prod -->"
    assert markdown.marker("*") == "<!-- phift-plan:* -->"
    assert markdown.marker("a --><b>") == "<!-- phift-plan:ab -->"


def test_own_colours_are_all_that_acts_in_what_is_printed() -> None:
    assert shown_text("\033[31mred\033[0m\n\tnext") == "\033[31mred\033[0m\n\tnext"
    assert shown_text("\033[8mhidden\033[2J\r") == "\\x1b[8mhidden\\x1b[2J\\r"
    stream = io.StringIO()
    Sink(stream).write("a\x1b[2Jb\u202e")
    assert stream.getvalue() == "a\\x1b[2Jb\\u202e\n"


@given(st.text(max_size=30))
def test_json_stays_json(said: str) -> None:
    shown = json_view.document({"a": said})
    assert active(shown) == []
    assert json.loads(shown) == {"a": said}
    assert shown_text(shown) == shown
