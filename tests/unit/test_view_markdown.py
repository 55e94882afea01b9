"""The pull request comment: what it says, that it fits, what it leaves out, and that it reads well on a phone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import pytest
from markdown_it import MarkdownIt
from plans import KEPT, RETRAIN, change, plan, resource

from phift.address import Address
from phift.data.compare import Difference
from phift.diagnostics import Diagnostic, Mark, Severity
from phift.errors import NotFoundError
from phift.phases import ManyPlans, Request
from phift.phases.compare_data import DataDiff, SplitDiff
from phift.phases.results import Planned, Unplanned
from phift.plan.action import Action
from phift.plan.approval import Approval
from phift.plan.cost import Cost, CostLine, Price, Range
from phift.plan.fingerprint import fingerprint
from phift.plan.model import Plan
from phift.views import markdown, markdown_data
from phift.views.base import PlanOptions
from phift.views.markdown import LIMIT, Comment, Since
from phift.views.markdown_several import plans
from phift.views.markdown_text import Links
from phift.workbench.open import Workbench

COST = Cost(
    "eastus",
    (
        CostLine(
            Address("job", "finetune"), "run", "A", 1, Price(3.5, "workspace", "2026-03-01"), hours=Range(1, 2, 3)
        ),
        CostLine(Address("deployment", "main"), "always_on", "A", 2, Price(1.0), now=1, most=4),
        CostLine(Address("deployment", "other"), "always_on", "B", 1, Price(), now=0),
    ),
)


def of_stack(name: str, *resources: object, **more: object) -> Planned:
    made = plan(*resources, stack=name, spec_path=f"{name}.yaml", **more)  # type: ignore[arg-type]
    return Planned(Request(Path(f"{name}.yaml")), name, made, bench=cast(Workbench, None))  # views do not read it


def test_a_comment_says_what_happens_and_why() -> None:
    text = markdown.plan(plan(RETRAIN, KEPT))
    assert text.splitlines()[:4] == [
        "<!-- phift-plan:s -->",
        "### phift plan: `s` on `local`",
        "",
        "**Plan: 1 to add, 0 to change, 0 to destroy.**",
    ]
    assert "**An apply:** 1 training run." in text
    assert "<b>job.finetune</b> must be run again: it<br>learning_rate changed</summary>" in text
    assert "- `learning_rate`: `0.008` → `0.004` **forces retraining**\n- 12 unchanged" in text
    assert "data.train" not in text
    assert "data.train" in markdown.plan(plan(RETRAIN, KEPT), PlanOptions(show_unchanged=True))
    assert text.endswith(f"fingerprint <code>{fingerprint(plan(RETRAIN))}</code></sub>")
    assert "<details>" not in markdown.plan(plan(RETRAIN), PlanOptions(summary=True))


def test_a_plan_without_changes_is_short_and_has_no_fingerprint() -> None:
    text = markdown.plan(plan(KEPT), comment=Comment(on_merge="Then it is applied."))
    assert "**No changes. The workspace matches the spec: 1 resource compared.**" in text
    assert "merge" not in text
    assert "fingerprint" not in text


def test_what_is_destroyed_is_said_first() -> None:
    routine = (
        resource("deployment.main", Action.CREATE, identity="d-2"),
        resource("deployment.d-1", Action.DELETE, identity="d-1", reason="replaced by d-2"),
        resource("autoscale.d-1", Action.DELETE, identity="d-1"),
    )
    assert "CAUTION" not in markdown.plan(plan(*routine))
    lost = (
        resource("endpoint.chat-1", Action.DELETE, identity="chat-1"),
        resource("compute.finetune", Action.REPLACE, identity="gpu-`<b>"),
    )
    text = markdown.plan(plan(*routine, *lost), PlanOptions(summary=True))
    assert text.split("\n\n")[1:3] == [
        "**Plan: 2 to add, 0 to change, 4 to destroy.**",
        "> [!CAUTION]\n> **Destroyed:** `endpoint.chat-1` with its deployments\n>\n"
        "> **Destroyed and created again:** `compute.finetune` (gpu-\\`&lt;b>)",
    ]
    several = plans(ManyPlans((of_stack("a", *lost), of_stack("b", *lost), of_stack("c", *routine))))
    assert "> **Destroyed:** `a` `endpoint.chat-1` with its deployments, `b` `endpoint.chat-1` with" in several
    # Without a deployment that takes its place, a deployment is missed.
    assert "> **Destroyed:** `deployment.d-1`" in markdown.plan(plan(routine[1]))


def test_what_is_destroyed_is_the_last_to_be_left_out() -> None:
    many = [
        resource(f"data.a{n}", Action.CREATE, desired={"x": "y" * 250, "z": {str(k): "y" for k in range(9)}})
        for n in range(700)
    ]
    lost = resource("endpoint.gone", Action.DELETE, identity="gone", desired={"last": "words"})
    text = markdown.plan(plan(*many, lost))
    assert len(text) <= LIMIT
    assert "<b>endpoint.gone</b> will be destroyed: gone" in text
    several = plans(ManyPlans((*(of_stack(f"s{n}", *many[:9]) for n in range(600)), of_stack("last", lost))))
    assert len(several) <= LIMIT
    assert "<b>last</b> <code>+0 &#126;0 -1</code>" in several.replace("~", "&#126;")


def test_removed_specs_are_named() -> None:
    comment = Comment(removed=("specs/a`b.yaml",))
    for text in (markdown.plan(plan(KEPT), comment=comment), plans(ManyPlans(()), comment=comment)):
        assert "> [!WARNING]\n> **Removed specs:** ``specs/a`b.yaml``. Their resources stay" in text
    assert "Removed" not in markdown.plan(plan(KEPT))


def test_the_price_is_shown_before_and_after() -> None:
    text = markdown.plan(plan(RETRAIN, cost=COST))
    assert "- a month: 730 before, **1,460 after** (+730), up to 2,920 after scale-out" in text
    assert "- once: about 7" in text
    assert "- not included, because unknown: `deployment.other`" in text
    assert "<summary>How the price is calculated</summary>" in text


def test_what_happens_on_merge_and_the_approval_are_part_of_it() -> None:
    approval = Approval.of([plan(RETRAIN)], "c" * 40)
    text = markdown.plan(plan(RETRAIN), comment=Comment(key="specs.prod", on_merge="It is applied.", approval=approval))
    assert text.startswith("<!-- phift-plan:specs.prod -->\n<!-- phift-approval ")
    assert "**On merge:** 1 training run.\n\nIt is applied." in text
    assert "<sub>s.yaml, commit <code>cccccccccccc</code>, planned 2026-03-01T10:00:00Z, fingerprint" in text
    assert Approval.read(text) == approval


def test_a_warning_links_to_its_file(tmp_path: Path) -> None:
    inside = tmp_path / "specs" / "a b.yaml"
    inside.parent.mkdir()
    inside.write_text("")
    outside = Path(__file__)
    warnings = [
        Diagnostic(f"w{n}", Severity.WARNING, mark=Mark(str(path), 3, 1), code="quota-most")
        for n, path in enumerate([inside, outside, tmp_path / "missing.yaml"])
    ]
    links = Links("https://github.com/o/r/blob/abc/", tmp_path)
    text = markdown.plan(plan(RETRAIN, warnings=tuple(warnings)), comment=Comment(links=links))
    assert "w0 [`specs/a b.yaml:3:1`](https://github.com/o/r/blob/abc/specs/a%20b.yaml#L3) `quota-most`" in text
    assert f"w1 `{outside}:3:1` `quota-most`" in text
    assert text.count("](") == 1
    assert "](" not in markdown.plan(plan(RETRAIN, warnings=tuple(warnings)))


def test_it_shows_what_changed_in_the_spec_and_in_the_data() -> None:
    data = markdown_data.lines(
        DataDiff(
            "main",
            "s.yaml",
            (
                SplitDiff("train", "1", "2", Difference(940, 12, 3, 0)),
                SplitDiff("test", "1", "1", Difference(1, 0, 0, 0)),
                SplitDiff("sample", "", "2", None),
                SplitDiff("validation", "1", "2", Difference(5, 0, 0, 0, reordered=True)),
            ),
        )
    )
    text = markdown.plan(plan(RETRAIN), comment=Comment(since={"s": Since("main", "-a: 1\n+a: 2", data)}))
    assert "**Data** since main\n\n- `train`: **12 added**, **3 removed**, 940 unchanged\n" in text
    assert "- `test`: unchanged (1 row)\n- `sample`: new\n- `validation`: the same 5 rows in a different order" in text
    title = "<summary>Changes of the rendered spec since main</summary>"
    assert f"{title}\n\n```diff\n-a: 1\n+a: 2\n```" in text
    same = markdown.plan(plan(RETRAIN), comment=Comment(since={"s": Since("main", "")}))
    assert "The rendered spec is unchanged since main." in same
    assert markdown_data.not_compared(NotFoundError("`x` not found")) == "not compared: \\`x\\` not found"


def test_a_comment_cannot_be_broken_out_of() -> None:
    evil = resource("compute.a", Action.CREATE, identity="x|<b>", reason="<!-- -->", desired={"a": "```\n</details>"})
    text = markdown.plan(plan(evil), comment=Comment(since={"s": Since("m", "+ ````\n+ </details>")}))
    assert "x&#124;&lt;b&gt;" in text
    assert "`` `` ` " not in text
    assert text.count("\n`````diff\n") == text.count("\n`````\n") == 1
    inside = MarkdownIt("commonmark").render(text)
    assert inside.count("<details>") == inside.count("</details>") == 2


def test_a_comment_fits_whatever_the_plan_and_says_what_it_leaves_out() -> None:
    desired = {f"key{n}": "v" * 100 for n in range(50)}
    many = [
        resource(f"compute.c{n}", Action.CREATE, identity="n" * 300, reason="|" * 500, desired=desired)
        for n in range(1000)
    ]
    planned = plan(*many, notes=("note " * 200,) * 100, stack="s" * 24, spec_path="p" * 4000, cost=COST)
    text = markdown.plan(planned)
    assert len(text) < LIMIT
    assert text.count("<details>") == text.count("</details>")
    listed = text.count("<b>compute.c")
    without = text.count("Details not shown: ")
    assert f"resources: {without} shown without details, {1000 - listed} not shown." in text
    assert "For the whole plan, run `phift plan ppp" in text
    since = {"s" * 24: Since("r" * 300, "+ line\n" * 20_000, ("x" * 500,) * 4)}
    with_spec = markdown.plan(planned, PlanOptions(show_suppressed=True), Comment(since=since))
    assert len(with_spec) < LIMIT
    assert with_spec.count("<details>") == with_spec.count("</details>")
    assert re.search(r"\.\.\. [\d]+ more lines\n```", with_spec)


@pytest.mark.parametrize("size", [100_000, 5_000_000])
def test_a_huge_value_leaves_out_its_own_resource_only(size: int) -> None:
    huge = resource("job.finetune", Action.RUN, changes=(change("system_prompt", "a", "b" * size),))
    text = markdown.plan(plan(huge, RETRAIN), comment=Comment(whole="see [the run](https://example.test)"))
    assert len(text) < LIMIT
    assert re.search(r"<br>Details not shown: [\d,]+ characters\.</p>", text)
    assert "`learning_rate`: `0.008` → `0.004`" in text, "a value is shown whole or not at all"
    assert "bbb" not in text
    assert "1 shown without details. For the whole plan, see [the run](https://example.test)." in text


def test_several_stacks_have_a_line_each_and_their_plans_below() -> None:
    broken = Unplanned(Request(Path("bad|name.yaml")), NotFoundError("no such <thing>"))
    some = ManyPlans((of_stack("a", RETRAIN), of_stack("b", KEPT), broken))
    text = plans(some)
    assert text.startswith(
        "<!-- phift-plan:* -->\n### phift plan: 3 stacks, 1 could not be planned\n\n**Plan: 1 to add, 0 to change,"
    )
    assert "<summary><b>a</b> <code>+1 ~0 -0</code><br>a.yaml</summary>" in text
    assert "- **error** bad\\|name.yaml: no such &lt;thing>" in text
    assert "1 without changes." in text
    assert "<b>b</b>" not in text
    assert "<b>b</b>" in plans(some, PlanOptions(show_unchanged=True))
    assert "<details>" not in plans(some, PlanOptions(summary=True))


@pytest.mark.parametrize(("count", "size"), [(3, 30_000), (200, 60), (400, 50), (2000, 5)])
def test_several_stacks_fit_whatever_the_plans(count: int, size: int) -> None:
    many = [
        of_stack(f"s{n}", *(resource(f"compute.c{k}", Action.CREATE, desired={"text": "y" * size}) for k in range(5)))
        for n in range(count)
    ]
    found = ManyPlans(tuple(many))
    approval = Approval.of(found.plans, "c" * 40)
    text = plans(found, comment=Comment(approval=approval))
    assert len(text) < LIMIT
    assert text.count("<details>") == text.count("</details>")
    listed = len(re.findall(r"<b>s\d+</b>", text))
    assert ("Cut to 65,000 characters" in text) == (listed < count or "Details not shown" in text)
    assert listed == count or f"{count - listed} not shown. For the whole plans, run `phift plan FILE`." in text
    read = Approval.read(text)
    assert read is not None
    assert read.fingerprint == approval.fingerprint
    assert len(plans(found, PlanOptions(summary=True))) < LIMIT


def test_nothing_is_wider_than_a_phone() -> None:
    """Tables and code blocks scroll sideways; lists and code spans wrap."""
    some: list[Plan] = [
        plan(RETRAIN, cost=COST, notes=("n",)),
        plan(resource("compute.a", Action.CREATE, desired={"a": 1})),
    ]
    for text in (*map(markdown.plan, some), plans(ManyPlans((of_stack("a", RETRAIN, cost=COST),)))):
        assert "```" not in text
        assert not re.search(r"^\|", text, re.MULTILINE)
