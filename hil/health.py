"""What must be true of a guest's kernel when nothing is attached: no ghost in a port, no process that hangs."""

from __future__ import annotations

import re

from hil.places.place import Place

__all__ = ["COMPLAINTS", "hung", "imported", "taken_ports"]

COMPLAINTS = re.compile(
    # What vhci_hcd says when it drops a connection for an answer that it did not expect or could not read
    # (drivers/usb/usbip/vhci_rx.c), and what any kernel says when it is in trouble.
    r"cannot find a urb|URB \d+ doesn't exist|unknown pdu|bad pdu|recv xbuf|recv iso|"
    r"\bBUG:|WARNING:|Oops|kernel panic|blocked for more than"
)

_FREE, _USED = "004", "006"
"""VDEV_ST_NULL, VDEV_ST_USED (drivers/usb/usbip/usbip_common.h)."""


def hung(place: Place) -> str:
    """The processes in D state that are no kernel threads."""
    script = (
        "for f in $(grep -ls '^State:.D' /proc/[0-9]*/status); do"
        " [ -s ${f%status}cmdline ] && tr '\\0' ' ' <${f%status}cmdline && echo; done 2>/dev/null; true"
    )
    return place.run(script).stdout.strip()


def taken_ports(guest: Place) -> list[str]:
    """The lines of vhci_hcd's status that do not say "free"."""
    return [" ".join(words) for words in _ports(guest) if words[2] != _FREE]


def imported(guest: Place) -> set[str]:
    """The guest's own names of all that is in ports of vhci_hcd: the last column."""
    return {words[-1] for words in _ports(guest) if words[2] == _USED}


def _ports(guest: Place) -> list[list[str]]:
    """The words of each port's line, in all of its status files: hub, port, status, ..., busid."""
    text = guest.run("cat /sys/devices/platform/vhci_hcd.*/status*").stdout
    return [line.split() for line in text.splitlines() if line[:2] in ("hs", "ss")]
