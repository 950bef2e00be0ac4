"""Every case of Linux' usbtest: what it does, how it is run here, and why it does not pass where it does not.

``tests/kernel/devices/test_conformance.py`` runs them on a Gadget Zero directly and on ``emulator:loopback`` through
wslusb, and holds this table to be true; docs/conformance.md shows it.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KERNEL_CASES", "KernelCase"]

NO_ISOCHRONOUS = "dummy_hcd has no isochronous endpoints"
NO_CHOICE = "a Device reads into buffers of its own"
NO_MAPPING = "only a kernel maps buffers"
NO_INTERRUPT = "Linux' f_sourcesink has no interrupt endpoints"


@dataclass(slots=True, frozen=True)
class KernelCase:
    """A case: ``parameters`` are ``iterations:length:vary:sglen``, ``alternate`` the setting that has its endpoints.

    ``directly``, ``through`` and ``program`` say why it cannot pass on the Gadget Zero, through wslusb, and when a
    program asks the same (:mod:`hil.conformance.usbtest`); "" if it passes.
    """

    number: int
    what: str
    parameters: str = "1"
    alternate: int = 0
    directly: str = ""
    through: str = ""
    program: str = ""

    @property
    def argument(self) -> str:
        """As ``tests/kernel/programs/usbtest.py`` takes it."""
        return f"{self.number}:{self.parameters}"


KERNEL_CASES = (
    KernelCase(0, "nothing", program="left out"),
    KernelCase(1, "bulk write", "50:4096"),
    KernelCase(2, "bulk read", "50:4096"),
    KernelCase(3, "bulk write, lengths vary", "50:4096:512"),
    KernelCase(4, "bulk read, lengths vary", "50:4096:512"),
    KernelCase(5, "scatter-gather write", "20:4096:512:8"),
    KernelCase(6, "scatter-gather read", "20:4096:512:8"),
    KernelCase(7, "scatter-gather write, lengths vary", "20:4096:512:8"),
    KernelCase(8, "scatter-gather read, lengths vary", "20:4096:512:8"),
    KernelCase(9, "chapter 9 requests", "20"),
    KernelCase(10, "queued control requests, with stalls and short reads", "50:512:512:16"),
    KernelCase(11, "unlink of reads", "20:4096"),
    KernelCase(12, "unlink of writes", "20:4096"),
    KernelCase(13, "halts set and cleared", "10"),
    KernelCase(14, "control writes, read back", "50:512:64"),
    KernelCase(15, "isochronous write", "4:8192:512:4", 1, NO_ISOCHRONOUS),
    KernelCase(16, "isochronous read", "4:8192:512:4", 1, NO_ISOCHRONOUS),
    KernelCase(17, "write from an odd address", "20:4096"),
    KernelCase(18, "read to an odd address", "20:4096", program=NO_CHOICE),
    KernelCase(19, "write from an odd address, mapped before", "20:4096", program=NO_MAPPING),
    KernelCase(20, "read to an odd address, mapped before", "20:4096", program=NO_MAPPING),
    KernelCase(21, "control writes from an odd address, read back", "50:512:64"),
    KernelCase(22, "isochronous write from an odd address", "4:8192:512:4", 1, NO_ISOCHRONOUS),
    KernelCase(23, "isochronous read to an odd address", "4:8192:512:4", 1, NO_ISOCHRONOUS, program=NO_CHOICE),
    KernelCase(24, "unlink from queues of writes", "20:4096:512:8"),
    KernelCase(25, "interrupt write", "20:64", 2, NO_INTERRUPT),
    KernelCase(26, "interrupt read", "20:64", 2, NO_INTERRUPT),
    KernelCase(27, "bulk write, performance", "5:65536:512:8"),
    KernelCase(28, "bulk read, performance", "5:65536:512:8"),
    KernelCase(29, "toggle cleared between writes", "10"),
)
