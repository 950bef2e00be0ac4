"""``wslusb redact``."""

from __future__ import annotations

import re
from pathlib import Path

import click

from . import output

__all__ = ["command"]

_PLACE = re.compile(r"(\d{1,3})\.(\d{1,3})")


def _place(text: str) -> tuple[int, int]:
    """Bus and address, as Wireshark and lsusb number them."""
    found = _PLACE.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is not a bus and an address, as in 1.4")
    return int(found[1]), int(found[2])


@click.command(
    "redact",
    short_help="Take out of a capture what is private.",
    help="Write a copy of a capture without serial numbers, keys and private data (docs/capture.md has what stays). IN "
    "is a pcapng or pcap file: one of 'wslusb capture --raw', or of usbmon or USBPcap. Nothing needs to be running.",
)
@click.argument("source", metavar="IN", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--keep-vendor", is_flag=True, help="Leave the data of vendor-specific interfaces and requests in.")
@click.option("--device", "only", multiple=True, metavar="BUS.ADDRESS", type=_place,
              help="Keep the URBs of that device alone (repeatable).")  # fmt: skip
def command(*, source: Path, target: Path, keep_vendor: bool, only: tuple[tuple[int, int], ...]) -> None:
    """Redact a file."""
    from ..capture.redact_file import redact_file

    if target.exists() and target.samefile(source):
        raise click.UsageError("OUT is IN: give the copy another name")
    report = redact_file(source, target, keep_vendor=keep_vendor, only=only)
    output.info(f"wrote {target}: {report.written} packets, {report.left_out} left out")
