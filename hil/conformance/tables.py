"""The tables of docs/conformance.md, made from what the tests hold to be true."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from emulator.devices.awkward_parts.variants import VARIANTS, Variant

from . import chapter9
from .kernel_usbtest import KERNEL_CASES, KernelCase

__all__ = ["PARTS", "table"]


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def chapter9_table() -> str:
    """Every case of the chapter-9 suite."""
    rows = ((case.name, case.source, case.reason) for case in chapter9.CASES)
    return table(("case", "section", "what is asked of the device"), rows)


def usbtest_table() -> str:
    """Every case of usbtest, and where it passes."""
    header = ("case", "what it does", "directly, on dummy_hcd", "through wslusb", "by a program, on any Device")
    return table(header, (_usbtest_row(case) for case in KERNEL_CASES))


def _usbtest_row(case: KernelCase) -> tuple[str, ...]:
    where = (reason or "passes" for reason in (case.directly, case.through, case.program))
    return (str(case.number), case.what, *where)


def awkward_table() -> str:
    """Every awkward device."""
    header = ("`awkward:how=`", "the device", "Linux 6.12", "kernel log")
    return table(header, (_awkward_row(how, variant) for how, variant in VARIANTS.items()))


def _awkward_row(how: str, variant: Variant) -> tuple[str, ...]:
    linux = variant.linux
    effect = f"**cannot use it**: {linux.effect}" if linux.product is None else linux.effect
    return f"`{how}`", variant.what, effect, f"`{linux.says}`" if linux.says else ""


PARTS: dict[str, Callable[[], str]] = {
    "conformance_chapter9": chapter9_table,
    "conformance_usbtest": usbtest_table,
    "conformance_awkward": awkward_table,
}
"""By the name of the part in the page."""
