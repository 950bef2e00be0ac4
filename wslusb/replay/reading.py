"""From a file to the story of one device: usbmon (link types 189 and 220) and USBPcap (249), in pcap and pcapng.

A bug bundle is read as the capture that is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..capture import bundle, links, pcapfile, profile
from ..capture.record import Record
from ..errors import LocalError, LocalReason
from . import taken_out
from .facts import Facts
from .story import Story, tell

__all__ = ["choose", "read", "records", "stories"]

_SAME_MOMENT = 10_000_000
"""Nanoseconds between two views of one moment."""


def records(file: BinaryIO) -> Iterator[tuple[int, Record]]:
    """The halves of URBs with the numbers of their packets. LocalError for what is no capture or a damaged one.

    What several interfaces have seen comes once: usbmon0 has what usbmon1 and the others have.
    """
    seen: dict[tuple[object, ...], tuple[int, int]] = {}
    for number, packet in enumerate(pcapfile.packets(file), 1):
        record = links.record(packet)
        if record is None:
            continue
        half = record.bus, record.device, record.key, record.kind, record.endpoint
        interface, time = seen.get(half, (packet.interface, 0))
        if interface == packet.interface or abs(packet.time - time) > _SAME_MOMENT:
            seen[half] = packet.interface, packet.time
            yield number, record


def stories(path: Path) -> list[Story]:
    """Every device of a capture, in the order in which they come up; address 0, where none has one yet, is left out."""
    with bundle.open_capture(path) as file:
        try:
            redacted = profile.is_redacted(file)
            found = tell(records(file))
        except LocalError as error:
            raise LocalError(error.reason, f"{path}: {error}", hint=error.hint) from error
    for story in found.values() if redacted else ():
        taken_out.mark(story)
    return [story for story in found.values() if story.device]


def read(path: Path, wanted: str = "") -> Story:
    """The device ``wanted`` of a capture (see :func:`choose`). LocalError, or OSError for a file that is not there."""
    return choose(stories(path), wanted, str(path))


def choose(found: list[Story], wanted: str, source: str) -> Story:
    """The device called ``wanted`` (``bus.address``); without a name, the only one that is no hub.

    LocalError that lists them if there is none or several.
    """
    named = [story for story in found if story.name == wanted]
    if not wanted:
        named = [story for story in found if not _is_hub(story)] or found
        # A device that answered nothing but was looked at (a hub of another bus) is not the one that is meant.
        named = [story for story in named if Facts.of(story).device] or named
    if len(named) == 1:
        return named[0]
    if not found:
        hint = "a capture of usbmon or USBPcap is wanted: link type 189, 220 or 249"
        raise LocalError(LocalReason.NOT_FOUND, f"{source} holds no USB transfers", hint=hint)
    listed = ", ".join(map(_title, found[:20])) + (", ..." if len(found) > 20 else "")
    what = "has several devices" if not wanted else f"has no device {wanted}"
    reason = LocalReason.NOT_FOUND if wanted else LocalReason.AMBIGUOUS
    hint = "choose one by its bus.address: --device 1.4, or FILE,device=1.4"
    raise LocalError(reason, f"{source} {what}: {listed}", hint=hint)


def _is_hub(story: Story) -> bool:
    return story.is_hub or Facts.of(story).info().device_class == 9


def _title(story: Story) -> str:
    return f"{story.name} ({Facts.of(story).title}, {len(story.exchanges)} URBs)"
