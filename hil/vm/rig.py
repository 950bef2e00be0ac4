"""Whole rigs: machines and the switch that joins them, up for a test session.

with Rig.uml_pair(tmp_path) as rig:
    rig.host.run("lsusb")
    with rig.guest.start(["sleep", "100"]) as process: ...
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Generic, Self, TypeVar

from hil.errors import RigError
from hil.folders import prefix
from hil.kernel.build import uml_kernel
from hil.kernel.debian import StockKernel, stock_kernel
from hil.requirements import COMMON, QEMU, require
from hil.vm.hardware import UsbHardware, default_hardware
from hil.vm.machine import PROJECT, Machine
from hil.vm.qemu import QemuMachine
from hil.vm.uml import UmlMachine

__all__ = ["Rig"]

HOST_CID = 2
GUEST_CID = 42

HostMachine = TypeVar("HostMachine", bound=Machine)


class VsockSwitch:
    """The switch process; `path(cid)` is the vhost-user socket of the machine with that CID.

    `here`: this machine itself is the host, by Unix sockets with that path before an underscore and the port.
    """

    def __init__(self, sockets: Mapping[int, Path], log: Path, here: Path | None = None) -> None:
        self._sockets = dict(sockets)
        words = [f"{cid}={path}" for cid, path in sockets.items()]
        words += [f"{HOST_CID}=hybrid:{here}"] if here else []
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hil.vm.vsock_switch", *words],
                cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True,
            )  # fmt: skip
        if self._pipe(self._process.stdout).readline() != b"ready\n":
            self.stop()
            raise RigError(f"the vsock switch did not start:\n{log.read_text()}")

    def path(self, cid: int) -> Path:
        """Where the machine with this CID plugs in."""
        return self._sockets[cid]

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End it: it goes when its standard input does."""
        self._pipe(self._process.stdin).close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pipe(self._process.stdout).close()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        if pipe is None:
            raise RigError("the switch has no pipes")
        return pipe


class Rig(Generic[HostMachine]):
    """One or two machines. `shared` is a directory that has the same path here and in every machine."""

    def __init__(self, directory: Path | None = None) -> None:
        self._stack = contextlib.ExitStack()
        if directory is None:
            directory = Path(tempfile.mkdtemp(prefix=prefix("rig")))
            self._stack.callback(shutil.rmtree, directory, ignore_errors=True)
        self.directory = directory.resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.shared = self.directory / "shared"
        self.shared.mkdir(exist_ok=True)
        self.machines: dict[str, Machine] = {}
        self.switch: VsockSwitch | None = None
        self.hybrid: Path | None = None
        """Where this machine is CID 2 to the guest: `hybrid:PATH` is what a service here listens on."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every machine and the switch."""
        self._stack.close()

    @property
    def host(self) -> HostMachine:
        """The machine with the hardware: CID 2."""
        return self.machines["host"]  # type: ignore[return-value]  # the class method that made it knows its type

    @property
    def guest(self) -> UmlMachine:
        """The machine that borrows the hardware: CID 42."""
        guest = self.machines["guest"]
        assert isinstance(guest, UmlMachine)  # noqa: S101
        return guest

    @classmethod
    def uml_single(cls, directory: Path | None = None, **options: Any) -> Rig[UmlMachine]:
        """One UML machine (`rig.host`) without a switch; its vsock is a loopback."""
        rig: Rig[UmlMachine] = Rig(directory)
        return rig._boot(lambda: rig._uml("host", **options))

    @classmethod
    def uml_pair(
        cls, directory: Path | None = None, *, guest: Mapping[str, Any] | None = None, **options: Any
    ) -> Rig[UmlMachine]:
        """Two UML machines on one switch: `host` (CID 2) and `guest` (CID 42), which may have options of its own."""
        rig: Rig[UmlMachine] = Rig(directory)
        return rig._boot(
            lambda: rig._uml("host", HOST_CID, **options),
            lambda: rig._uml("guest", GUEST_CID, **{**options, **(guest or {})}),
        )

    @classmethod
    def qemu_host(
        cls, directory: Path | None = None, *, hardware: Sequence[UsbHardware] | None = None,
        host: Mapping[str, Any] | None = None, guest: Mapping[str, Any] | None = None,
    ) -> Rig[QemuMachine]:  # fmt: skip
        """A stock Debian kernel with emulated USB hardware as `host` (CID 2), and a UML `guest` (CID 42).

        `host` and `guest` hold further arguments of `QemuMachine` and `UmlMachine`.
        """
        rig: Rig[QemuMachine] = Rig(directory)
        return rig._boot(
            lambda: rig._qemu("host", hardware, **(host or {})),
            lambda: rig._uml("guest", GUEST_CID, **(guest or {})),
        )

    @classmethod
    def uml_guest(cls, directory: Path | None = None, **options: Any) -> Rig[UmlMachine]:
        """A UML `guest` (CID 42) alone, whose host is this machine, at `hybrid`."""
        rig: Rig[UmlMachine] = Rig(directory)
        rig._start_switch(here=True)
        return rig._boot(lambda: rig._uml("guest", GUEST_CID, **options))

    def restart_guest(self, **options: Any) -> UmlMachine:
        """Pull the guest's plug and boot a new one (`options` as for `UmlMachine`) with the same CID."""
        self.guest.stop()
        guest = self._stack.enter_context(self._uml("guest", GUEST_CID, **options))
        guest.power_on()
        self.machines["guest"] = guest.wait_booted()
        return guest

    def _boot(self, *makers: Callable[[], Machine]) -> Self:
        """Switch each machine on as soon as it is made; on any trouble nothing is left running."""
        try:
            for make in makers:
                machine = make()
                machine.is_joined = self._is_joined
                self.machines[machine.name] = self._stack.enter_context(machine)
                machine.power_on()
            for machine in self.machines.values():
                machine.wait_booted()
        except BaseException:
            self.close()
            raise
        return self

    def _is_joined(self) -> bool:
        return self.switch is None or self.switch.alive

    def _uml(
        self,
        name: str,
        cid: int | None = None,
        *,
        kernel: Path | None = None,
        memory: int = 512,
        kernel_args: Sequence[str] = (),
    ) -> UmlMachine:
        require(COMMON)
        return UmlMachine(
            name, self.directory, self.shared, kernel=kernel or uml_kernel(), memory=memory, kernel_args=kernel_args,
            vsock=None if cid is None else self._plug(cid),
        )  # fmt: skip

    def _qemu(
        self, name: str, hardware: Sequence[UsbHardware] | None, *, kernel: StockKernel | None = None, **options: Any
    ) -> QemuMachine:
        require(COMMON, QEMU)
        return QemuMachine(
            name, self.directory, self.shared, kernel=kernel or stock_kernel(), vsock=self._plug(HOST_CID),
            hardware=default_hardware() if hardware is None else hardware, **options,
        )  # fmt: skip

    def _plug(self, cid: int) -> Path:
        return (self.switch or self._start_switch()).path(cid)

    def _start_switch(self, *, here: bool = False) -> VsockSwitch:
        # Not in `directory`: the path of a Unix socket may have 107 bytes, and pytest's are long.
        sockets = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix("vsock"))))
        self.hybrid = sockets / "host" if here else None
        paths = {number: sockets / str(number) for number in (HOST_CID, GUEST_CID) if not (here and number == HOST_CID)}
        self.switch = VsockSwitch(paths, self.directory / "switch.log", self.hybrid)
        self._stack.callback(self.switch.stop)
        return self.switch
