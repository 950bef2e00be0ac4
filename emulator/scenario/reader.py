"""A scenario file as a :class:`Scenario`. docs/scenarios.md says what may be in it."""

from __future__ import annotations

from pathlib import Path

from ..model import Kind, Model
from ..options import Options
from ..record import Record
from . import tree
from .check import lost_messages, problems
from .gadget import WrittenGadget
from .read_gadget import GADGET_KEYS, read_gadget
from .read_rules import RULE_KEYS, read_script
from .scenario import Scenario

__all__ = ["kind", "read", "reads"]


def read(path: Path) -> Scenario:
    """Read a file. LocalError, one line with file, line and key, for anything that is wrong with it."""
    return _scenario(tree.load(path))[0]


def reads(text: str, path: Path = Path("scenario.toml")) -> Scenario:
    """Read a text; ``path`` is what errors call it, and files are looked for beside it."""
    return _scenario(tree.loads(text, path))[0]


def _scenario(root: tree.Node) -> tuple[Scenario, WrittenGadget]:
    fields = root.fields("name", "summary", *GADGET_KEYS, *RULE_KEYS)
    gadget, reports = read_gadget(fields)
    script, nodes = read_script(fields)
    for number, problem in problems(script, gadget):
        nodes[number].complain(problem)
    for address in lost_messages(script, gadget):
        fields.need("messages").complain(f"the device has no bulk or interrupt OUT endpoint {address:#04x}")
    name, summary = fields.text("name"), fields.text("summary")
    return Scenario(gadget=gadget, script=script, reports=reports, name=name, summary=summary), gadget


def kind(path: Path) -> Kind:
    """The kind of device that a file describes, for ``emulator:./mine.toml``. LocalError as :func:`read`."""
    first = read(path)

    def make(options: Options) -> Model:
        scenario, gadget = _scenario(tree.load(path))  # devices of a kind share nothing
        if gadget.device.serial and (serial := options.text("serial")):
            gadget.rewrite(gadget.device.serial, serial)
        return scenario.model(Record.from_options(options))

    return Kind(
        name=first.name or path.stem,
        summary=first.summary,
        make=make,
        options={"serial": "serial number in place of the file's", "record": "file for what the host sends"},
    )
