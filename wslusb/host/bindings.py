"""Which devices are shared, remembered across restarts.

A binding goes by what a device *is* (:class:`wslusb.usb.info.Identity`), not by its busid, which the next device in
that port would inherit. The file is JSON, written whole and renamed, so that a crash leaves the old or the new one.
A loan is a binding that is in no file: it ends with its lender, or with this process.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import LocalError, LocalReason
from ..usb.info import DeviceInfo, Identity

__all__ = ["Bindings", "Loan"]

SCHEMA = "wslusb.bindings/1"


@dataclass(slots=True, frozen=True, eq=False)
class Loan:
    """One device, shared until this very loan ends."""

    info: DeviceInfo


class Bindings:
    """The bound identities, in a file that other processes may change between two calls, and those that are lent."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._loans: tuple[Loan, ...] = ()

    def all(self) -> list[Identity]:
        """Every bound identity. LocalError if the file is damaged: better no device shared than the wrong one."""
        return [*self._kept(), *(loan.info.identity for loan in self._loans)]

    def _kept(self) -> list[Identity]:
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise LocalError(LocalReason.ACCESS_DENIED, f"cannot read {self.path}: {error.strerror}") from error
        try:
            document = json.loads(text)
            if document["schema"] != SCHEMA:
                raise LocalError(
                    LocalReason.BAD_STATE, f"{self.path} has schema {document['schema']!r}, not {SCHEMA!r}"
                )
            return [_identity(entry) for entry in document["bindings"]]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            hint = "repair it, or remove it and bind again"
            raise LocalError(LocalReason.BAD_STATE, f"{self.path} is damaged", hint=hint) from error

    def is_bound(self, info: DeviceInfo) -> bool:
        """Whether a device is shared."""
        return any(identity.matches(info.identity) for identity in self.all())

    def absent(self, present: Iterable[DeviceInfo]) -> list[DeviceInfo]:
        """What is shared but not among ``present``: devices that are unplugged, so without a busid."""
        there = [info.identity for info in present]
        gone = [identity for identity in self.all() if not any(identity.matches(other) for other in there)]
        return [DeviceInfo(busid="", **asdict(identity)) for identity in gone]

    def bind(self, info: DeviceInfo) -> bool:
        """Share a device; False if it was shared already."""
        with self._lock:
            bound = self._kept()
            if any(identity.matches(info.identity) for identity in bound):
                return False
            self._write([*bound, info.identity])
            return True

    def unbind(self, identity: Identity) -> bool:
        """Stop sharing a device, lent or not; False if it was not shared."""
        with self._lock:
            loans = tuple(loan for loan in self._loans if not loan.info.identity.matches(identity))
            lent, self._loans = loans != self._loans, loans
            bound = self._kept()
            left = [other for other in bound if not other.matches(identity)]
            if len(left) == len(bound):
                return lent
            self._write(left)
            return True

    def lend(self, info: DeviceInfo) -> Loan:
        """Share a device until :meth:`end`. LocalError REFUSED if it is lent already: a loan has one lender."""
        with self._lock:
            if any(loan.info.identity.matches(info.identity) for loan in self._loans):
                raise LocalError(LocalReason.REFUSED, f"device {info.busid} is lent already")
            loan = Loan(info)
            self._loans = (*self._loans, loan)
            return loan

    def end(self, loan: Loan) -> bool:
        """End a loan; False if an unbind has ended it before."""
        with self._lock:
            left = tuple(other for other in self._loans if other is not loan)
            ended, self._loans = left != self._loans, left
            return ended

    def _write(self, identities: list[Identity]) -> None:
        document = {"schema": SCHEMA, "bindings": [asdict(identity) for identity in identities]}
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("w", encoding="utf-8") as file:
                json.dump(document, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            reason = LocalReason.ACCESS_DENIED if isinstance(error, PermissionError) else LocalReason.BAD_STATE
            hint = "use sudo" if isinstance(error, PermissionError) else ""
            raise LocalError(reason, f"cannot write {self.path}: {error.strerror}", hint=hint) from error


def _identity(entry: dict[str, object]) -> Identity:
    """An entry of the file; TypeError or ValueError for what is none."""
    match entry:
        case {"vendor": int(vendor), "product": int(product), "serial": str(serial), "port_path": str(port_path)}:
            if 0 <= vendor <= 0xFFFF and 0 <= product <= 0xFFFF:
                return Identity(vendor, product, serial, port_path)
    raise ValueError(entry)
