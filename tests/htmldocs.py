"""Read a document of phift and check what holds for all of them."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

__all__ = ["Element", "parsed", "problems"]

_VOID = frozenset({"meta", "link", "br", "hr", "img", "input", "wbr"})
_BLOCKS = frozenset({"td", "th", "p", "li", "dt", "dd", "div", "summary", "section", "button"})
_LOADS = ("src", "srcset", "data", "poster", "action", "formaction", "background", "xlink:href")


@dataclass
class Element:
    """An element. text: of it and of all below."""

    name: str
    attributes: dict[str, str]
    parent: Element | None
    children: list[Element] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def all(self, name: str = "", *, of: str = "") -> list[Element]:
        """All elements below by tag name and by a class."""
        found = []
        for child in self.children:
            if (not name or child.name == name) and (not of or of in child.attributes.get("class", "").split()):
                found.append(child)
            found += child.all(name, of=of)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {}, None)
        self.open = self.root
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.open)
        self.open.children.append(element)
        if tag in _BLOCKS:
            self.handle_data(" ")
        if tag not in _VOID:
            self.open = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.children.append(Element(tag, {name: value or "" for name, value in attrs}, self.open))

    def handle_endtag(self, tag: str) -> None:
        if self.open.name != tag:
            self.wrong.append(f"</{tag}> closes <{self.open.name}>")
        if self.open.parent is not None:
            self.open = self.open.parent

    def handle_data(self, data: str) -> None:
        element: Element | None = self.open
        while element is not None:
            element.pieces.append(data)
            element = element.parent


def parsed(document: str) -> Element:
    """The tree of a document, whose elements must all be closed."""
    reader = _Reader()
    reader.feed(document)
    reader.close()
    assert not reader.wrong, reader.wrong[:3]
    assert reader.open is reader.root, f"<{reader.open.name}> is not closed"
    return reader.root


def problems(document: str) -> list[str]:
    """What breaks a rule that holds for every document."""
    root = parsed(document)
    found = [*_ids(root), *_headings(root), *_policy(root), *_outside(root), *_drawings(root), *_labels(root)]
    if active := re.findall("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff\x00-\x08\x0b-\x1f\x7f]", document):
        found.append(f"active characters: {active[:5]!r}")
    return found


def _ids(root: Element) -> list[str]:
    ids = [e.attributes["id"] for e in root.all() if "id" in e.attributes]
    found = [f"id {one} occurs {ids.count(one)} times" for one in sorted(set(ids)) if ids.count(one) > 1]
    for element in root.all():
        for name in ("aria-labelledby", "aria-describedby"):
            found += [f"{name} {one}" for one in element.attributes.get(name, "").split() if one not in ids]
        href = element.attributes.get("href", "")
        if href.startswith("#") and href[1:] not in ids:
            found.append(f"the link {href} leads nowhere")
    return found


def _headings(root: Element) -> list[str]:
    levels = [int(e.name[1]) for e in root.all() if re.fullmatch("h[1-6]", e.name)]
    found = [] if levels and levels[0] == 1 and levels.count(1) == 1 else [f"headings {levels}"]
    return found + [f"h{b} after h{a}" for a, b in pairwise(levels) if b > a + 1]


def _policy(root: Element) -> list[str]:
    metas = [e.attributes for e in root.all("meta")]
    policy = next(m["content"] for m in metas if m.get("http-equiv") == "Content-Security-Policy")
    rules = dict(one.strip().split(" ", 1) for one in policy.split(";"))
    found = [] if rules["default-src"] == "'none'" and "unsafe" not in policy else [policy]
    for name, rule in (("style", "style-src"), ("script", "script-src")):
        hashes = [
            f"'sha256-{base64.b64encode(hashlib.sha256(e.text.encode()).digest()).decode()}'" for e in root.all(name)
        ]
        if rules[rule].split() != hashes:
            found.append(f"{rule} is {rules[rule]}, not {hashes}")
    for element in root.all():
        found += [f"attribute {name}" for name in element.attributes if name == "style" or name.startswith("on")]
    return found


def _outside(root: Element) -> list[str]:
    found = [f"{e.name} {name}={e.attributes[name]}" for e in root.all() for name in _LOADS if name in e.attributes]
    links = [e.attributes["href"] for e in root.all() if "href" in e.attributes]
    found += [f"href {one}" for one in links if not one.startswith("#") and one != "data:,"]
    found += [f"element {e.name}" for e in root.all() if e.name in {"iframe", "object", "embed", "base", "form", "img"}]
    styles = "".join(e.text for e in root.all("style"))
    return found + re.findall(r"url\([^)]*\)|@import", styles)


def _drawings(root: Element) -> list[str]:
    found = []
    for drawing in root.all("svg"):
        if drawing.attributes.get("aria-hidden") == "true":
            continue
        first = [child.name for child in drawing.children[:2]]
        if drawing.attributes.get("role") != "img" or first != ["title", "desc"] or not drawing.children[1].text:
            found.append(f"a drawing without a description: {drawing.attributes}")
        owner = drawing
        while owner.name not in {"section", "body"} and not owner.all("table"):
            assert owner.parent is not None
            owner = owner.parent
        if not owner.all("table"):
            found.append(f"a drawing without a table: {drawing.attributes}")
    return found


def _labels(root: Element) -> list[str]:
    found = [
        f"a {e.name} without text" for e in root.all() if e.name in {"summary", "button", "a"} and not e.text.strip()
    ]
    found += [f"no scope: {e.text}" for e in root.all("th") if "scope" not in e.attributes]
    found += [f"details without summary: {e.text[:40]}" for e in root.all("details") if e.children[0].name != "summary"]
    found += [] if root.all("main") and root.all("header") and root.all("footer") else ["landmarks"]
    html = root.all("html")[0]
    return found + ([] if html.attributes.get("lang") == "en" else ["lang"])
