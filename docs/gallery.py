"""The generated parts of docs/emulator.md: a section for each kind of the emulator's catalogue, and the examples' code.

A kind appears by itself: its module's docstring, its options, its descriptors. ``docs/gallery/NAME.txt`` is a screen
of it in use: the device, then commands of the guest (``# ...``) or of the host (``host# ...``) and what they say, where
``...`` stands for what differs from run to run. tests/kernel/devices/test_gallery.py runs them.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from emulator.catalogue import kinds
from emulator.catalogue import model as make
from emulator.cli.tree import lines
from emulator.importers import FORMATS
from emulator.model import Kind
from emulator.options import Options

HERE = Path(__file__).resolve().parent
SCREENS = HERE / "gallery"
EXAMPLES = HERE / "examples"


def table_of_kinds() -> str:
    """One line a kind."""
    rows = [
        f"| [{each.name}](#{each.name}) | {each.driver or '-'} | {cell(each.summary)} |" for each in kinds().values()
    ]
    return "\n".join(("| kind | Linux driver | what it is |", "| --- | --- | --- |", *rows)) + "\n"


def sections() -> str:
    """One section a kind."""
    return "\n".join(section(each) for each in kinds().values())


def section(kind: Kind) -> str:
    """Heading, what it is, a screen, options, descriptors."""
    parts = [f"### {kind.name}\n", f"{about(kind)}\n", f"```console\n{screen(kind.name)}```\n"]
    if kind.options:
        rows = [f"| `{name}` | {cell(text)} |" for name, text in kind.options.items()]
        parts.append("\n".join(("| option | |", "| --- | --- |", *rows)) + "\n")
    tree = "\n".join(f"{'  ' * line.depth}{line.text}" for line in lines(make(kind.name, Options()).gadget))
    parts.append(f"<details><summary>Descriptors</summary>\n\n```text\n{tree}\n```\n\n</details>\n")
    return "\n".join(parts)


def about(kind: Kind) -> str:
    """The docstring of the kind's module, as Markdown; tables stay as they are."""
    module = inspect.getmodule(kind.make)
    text = inspect.cleandoc(module.__doc__ or kind.summary) if module else kind.summary
    blocks = []
    for block in text.split("\n\n"):
        if block.startswith("==="):
            blocks.append(f"```text\n{block}\n```")
        else:
            blocks.append(re.sub(r"``([^`]+)``", r"`\1`", re.sub(r":\w+:`[.~]?(?:[\w.]*\.)?(\w+)`", r"`\1`", block)))
    return "\n\n".join(blocks)


def screen(name: str) -> str:
    """The kind in use."""
    path = SCREENS / f"{name}.txt"
    device, *said = path.read_text(encoding="utf-8").splitlines() if path.exists() else [name]
    shown = [f"guest{line}" if line.startswith("# ") else line for line in said]
    return "\n".join((f"host# wslusb serve --device 'emulator:{device}'", *shown)) + "\n"


def cell(text: str) -> str:
    """Text that may stand in a table."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def example(name: str) -> str:
    """A file of docs/examples."""
    return f"```python\n{(EXAMPLES / name).read_text(encoding='utf-8')}```\n"


PARTS = {
    "kinds": table_of_kinds,
    "gallery": sections,
    "light": lambda: example("light.py"),
    "blink": lambda: example("blink.py"),
    "thermometer": lambda: example("thermometer.py"),
    "formats": lambda: ", ".join(f"`{name}`" for name in FORMATS) + "\n",
}
