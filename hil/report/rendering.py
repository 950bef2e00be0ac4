"""Pages that need nothing else: one file, no network, and no script for what matters.

What they show may have been chosen by a device. The template engine escapes all of it, characters that are not seen are
spelt out, and a content security policy allows a page's own style and script, by their digests, and nothing else.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from . import figures

__all__ = ["render"]

_TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **values: Any) -> str:
    """A page from a file of ``templates/``."""
    return _environment().get_template(template).render(**values)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=_visible,
    )  # fmt: skip
    environment.filters |= {"duration": figures.duration, "number": figures.at_most_digits}
    style, script = ((_TEMPLATES / name).read_text("utf-8") for name in ("style.css", "script.js"))
    own = {"style": Markup(style), "script": Markup(script), "policy": _policy(style, script)}  # noqa: S704 -- our files
    environment.globals |= own
    return environment


def _visible(value: Any) -> Any:
    """Text with what is not seen, or turns other text around, spelt out."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(char if char.isprintable() or char in "\n\t" else ascii(char)[1:-1] for char in value)


def _policy(style: str, script: str) -> str:
    digests = (base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in (style, script))
    return "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'".format(*digests)
