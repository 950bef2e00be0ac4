"""Writes the generated parts of the documentation from the code, and checks the links between its pages.

A part stands between ``<!-- begin: NAME -->`` and ``<!-- end: NAME -->``; NAME is a key of ``PARTS``. With ``--check``
nothing is written, and a part that is out of date or a link that leads nowhere makes the exit code 1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import gallery

from hil.conformance import tables as conformance
from hil.rig import reference as rig
from wslusb.errors import PeerReason
from wslusb.session.states import TABLE, Role
from wslusb.usb.urb import Status, to_errno
from wslusb.wire import limits
from wslusb.wire.events import EventKind
from wslusb.wire.frame import MessageType
from wslusb.wire.urbs import Function

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("*.md"))]
_PART = re.compile(r"(<!-- begin: (\w+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]+)?(?:#([^)\s]+))?\)")


def states(role: Role) -> str:
    """A state diagram of what one side may receive."""
    edges: dict[tuple[str, str], list[str]] = {}
    for (side, state, kind), new in TABLE.items():
        if side is role and kind is not MessageType.HELLO:
            edges.setdefault((state.value, new.value), []).append(kind.name)
    lines = [f"    {old} --> {new}: {', '.join(kinds)}" for (old, new), kinds in edges.items()]
    special = ["    new --> control: HELLO (purpose control)", "    new --> data: HELLO (purpose data)"]
    special.append("    data --> attached: ATTACH (status 0)")
    return "\n".join(
        ["```mermaid", "stateDiagram-v2", "    [*] --> new", *lines, *special, "    closed --> [*]", "```\n"]
    )


def table(header: str, rows: list[str]) -> str:
    """A Markdown table; cells are separated by ``|``."""
    rule = "|".join(" --- " for _ in header.split("|"))
    return "\n".join(f"|{line}|" for line in (header, rule, *rows)) + "\n"


def limit_table() -> str:
    """The constants of wslusb/wire/limits.py with their docstrings."""
    source = Path(limits.__file__).read_text(encoding="utf-8")
    found = re.findall(r'^([A-Z_]+) = .+\n"""(.+?)"""$', source, re.MULTILINE)
    return table(" limit | value | what it bounds ", [f" {n} | {getattr(limits, n):,} | {text} " for n, text in found])


PARTS: dict[str, Callable[[], str]] = {
    "host_states": lambda: states(Role.HOST),
    "guest_states": lambda: states(Role.GUEST),
    "limits": limit_table,
    "types": lambda: table(" type | name ", [f" `{kind:#04x}` | {kind.name} " for kind in MessageType]),
    "functions": lambda: table(" code | name ", [f" `{code:#06x}` | {code.name} " for code in Function]),
    "statuses": lambda: table(
        " status | name | errno in the guest ", [f" `{s:#010x}` | {s.name} | {to_errno(s)} " for s in Status]
    ),
    "reasons": lambda: table(" reason | name ", [f" {reason.value} | {reason.name} " for reason in PeerReason]),
    "events": lambda: table(" kind | name ", [f" {kind.value} | {kind.name} " for kind in EventKind]),
    **gallery.PARTS,
    **conformance.PARTS,
    **rig.PARTS,
}


def render(text: str) -> str:
    """The page with its generated parts as they should be."""
    return _PART.sub(lambda match: match[1] + PARTS[match[2]]() + match[3], text)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path, text: str) -> list[str]:
    """Links of a page that lead nowhere."""
    broken = []
    for target, anchor in _LINK.findall(text):
        path = (page.parent / target).resolve() if target else page
        is_page = path.suffix == ".md" and path.exists()
        if not path.exists() or (anchor and is_page and anchor not in anchors(path.read_text(encoding="utf-8"))):
            broken.append(f"{page.relative_to(ROOT)}: {target}{'#' + anchor if anchor else ''} leads nowhere")
    return broken


def main() -> int:
    """Write or check every page."""
    check, problems = "--check" in sys.argv[1:], []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        new = render(text)
        if new != text and check:
            problems.append(f"{page.relative_to(ROOT)} is out of date: run 'nox -s docs'")
        elif new != text:
            page.write_text(new, encoding="utf-8")
            sys.stdout.write(f"wrote {page.relative_to(ROOT)}\n")
        problems += broken_links(page, new)
    sys.stdout.write("".join(f"{problem}\n" for problem in problems) or f"{len(PAGES)} pages are in order\n")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
