"""The demonstration through real kernels: a gadget of Linux' own, vsock, vhci_hcd, usb-storage, a file system."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from hil.demo.story import SIZE, Story, payload, sha256
from hil.requirements import COMMON, require
from hil.vm.machine import Machine
from hil.vm.rig import Rig

__all__ = ["machines_demo"]

_ALIAS = f'wslusb() {{ {sys.executable} -m wslusb "$@"; }}\n'
"""So that what is run is what is shown."""
_SERIAL = "SN77"
_NEEDED = {"mkfs.ext2": "e2fsprogs", "dd": "coreutils", "sha256sum": "coreutils"}
_LAST_LINE = slice(-1, None)


class Side:
    """One machine of the story: what is run there is told with its name. ``$PAYLOAD`` is the file to be written."""

    def __init__(self, name: str, machine: Machine, story: Story) -> None:
        self._name, self._machine, self._story = name, machine, story
        self._environment = {"PAYLOAD": str(machine.shared / "payload")}

    def run(self, command: str, *, show: slice = slice(None)) -> list[str]:
        """Run a shell command, tell it and a part of what it said; the words of its standard output."""
        result = self._machine.run(_ALIAS + command, env=self._environment)
        self._story.command(f"[{self._name}] {command}", result.output.splitlines()[show])
        return result.stdout.split()

    @contextlib.contextmanager
    def background(self, verb: str, until: str) -> Iterator[None]:
        """Run a verb of ``wslusb`` that does not end, from when it says ``until``."""
        with self._machine.start([sys.executable, "-m", "wslusb", *verb.split()]) as process:
            process.wait_for_output(f"{until}.*\n")
            said = next(line for line in process.output.splitlines() if until in line)
            self._story.command(f"[{self._name}] wslusb {verb} &", [said[said.index(until) :]])
            yield


def machines_demo(story: Story, size: int = SIZE) -> int:
    """Tell the story; the exit code. RigError, with what to install, where this machine cannot run it."""
    require(COMMON, _NEEDED)
    story.title("Two virtual machines, vsock between them: a USB stick made by one kernel, used by the other's.")
    with Rig.uml_pair() as rig:
        data = payload(size)
        (rig.shared / "payload").write_bytes(data)
        host, guest = Side("host", rig.host, story), Side("guest", rig.guest, story)
        rig.host.python("-m", "hil.gadgets", "mass-storage", "--size", "48M", "--serial", _SERIAL)
        rig.host.wait_until(f"grep -qs {_SERIAL} /sys/bus/usb/devices/*/serial")
        with host.background("serve --listen vsock:", "serving"):
            host.run("wslusb list")
            host.run(f"wslusb bind {_SERIAL}")
            with guest.background("agent", "connected"):
                return story.verdict(sha256(data), _use(guest))


def _use(guest: Side) -> str:
    """Write the file, take the stick out and put it back, read the file; its checksum."""
    attach = f"wslusb attach {_SERIAL}"
    disk = guest.run(attach)[0]
    guest.run(f"mkfs.ext2 -q {disk} && mount {disk} /mnt")
    guest.run("dd if=$PAYLOAD of=/mnt/file bs=1M conv=fsync", show=_LAST_LINE)
    guest.run(f"umount /mnt && wslusb detach {_SERIAL}")
    disk = guest.run(attach)[0]
    guest.run(f"mount -o ro {disk} /mnt && dd if=/mnt/file of=/dev/null bs=1M", show=_LAST_LINE)
    return guest.run("sha256sum /mnt/file")[0]
