"""SCSI sense data: why a command failed (SPC-4, 4.5)."""

from __future__ import annotations

import enum
import struct

__all__ = ["CheckCondition", "Sense"]

_FIXED = struct.Struct(">BBBIBIBBBB2x")


class Sense(enum.Enum):
    """Sense key, additional sense code and its qualifier (SPC-4, tables 28 and D.1)."""

    NONE = (0x0, 0x00, 0x00)
    MEDIUM_NOT_PRESENT = (0x2, 0x3A, 0x00)
    INVALID_COMMAND = (0x5, 0x20, 0x00)
    BLOCK_OUT_OF_RANGE = (0x5, 0x21, 0x00)
    INVALID_FIELD = (0x5, 0x24, 0x00)
    UNSUPPORTED_UNIT = (0x5, 0x25, 0x00)
    SAVING_UNSUPPORTED = (0x5, 0x39, 0x00)
    REMOVAL_PREVENTED = (0x5, 0x53, 0x02)
    WRITE_PROTECTED = (0x7, 0x27, 0x00)
    DATA_PHASE_ERROR = (0xB, 0x4B, 0x00)
    MISCOMPARE = (0xE, 0x1D, 0x00)

    def pack(self) -> bytes:
        """The 18 bytes of fixed-format sense data: response code 0x70, current error."""
        key, code, qualifier = self.value
        return _FIXED.pack(0x70, 0, key, 0, 10, 0, code, qualifier, 0, 0)


class CheckCondition(Exception):  # noqa: N818 - the name that SCSI has for it
    """A command ends with CHECK CONDITION; ``sense`` is what REQUEST SENSE will answer."""

    def __init__(self, sense: Sense) -> None:
        super().__init__(sense.name)
        self.sense = sense
