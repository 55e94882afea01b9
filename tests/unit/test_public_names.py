"""Nothing in the product is dead: functions, classes, methods and constants are named beside their definition."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "phift"
FILES = {p: p.read_text(encoding="utf-8") for p in sorted(PACKAGE.rglob("*.py"))}
WORD = re.compile(r"[A-Za-z_]\w*")

ALLOWED = {
    **dict.fromkeys(("collect_usage_pieces", "format_commands", "format_options"), "click calls it"),
    **dict.fromkeys(("eof_received", "pause_writing", "resume_writing"), "asyncio calls it"),
    **dict.fromkeys(
        ("on_body", "on_header", "on_headers_complete", "on_message_complete", "on_status"), "the HTTP parser calls it"
    ),
    "send_400_response": "uvicorn calls it",
    "_repr_html_": "IPython calls it",
    "redirect_request": "urllib calls it",
    "readinto": "io.RawIOBase calls it",
    "_missing_": "enum.Enum calls it",
}
"""By name, who else uses it."""


def defined(path: Path) -> Iterator[str]:
    """Names of module level and of classes; not those that a library calls or reads (decorated ones, fields)."""
    tree = ast.parse(FILES[path])
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for node in (*tree.body, *(inner for one in classes for inner in one.body)):
        match node:
            case (
                ast.FunctionDef(name=name, decorator_list=decorators)
                | ast.AsyncFunctionDef(name=name, decorator_list=decorators)
            ) if all(_own(d) for d in decorators):
                yield name
            case ast.ClassDef(name=name):
                yield name
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def _own(decorator: ast.expr) -> bool:
    """Decorators that leave a function what it is; others hand it to a library."""
    return ast.unparse(decorator).partition("(")[0] in {
        "property",
        "cached_property",
        "staticmethod",
        "classmethod",
        "cache",
    }


def unused() -> set[str]:
    """Without what stands in `__all__`, and what a caller of the API may use."""
    words: Counter[str] = Counter()
    for text in FILES.values():
        words.update(WORD.findall(re.sub(r"__all__ = [\[(].*?[\])]", "", text, flags=re.DOTALL)))
    names = Counter(
        name
        for path in FILES
        if path.relative_to(PACKAGE).parts[0] not in {"api", "__init__.py"}
        for name in defined(path)
        if not name.startswith("__")
    )
    return {name for name, times in names.items() if words[name] <= times}


def test_nothing_is_dead() -> None:
    assert unused() - set(ALLOWED) == set(), "remove it"


def test_what_is_allowed_is_there() -> None:
    assert set(ALLOWED) <= unused()
