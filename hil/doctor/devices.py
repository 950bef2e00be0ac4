"""Checks of each device of the rig file: it is there, is what it was, may be used, and its power really switches."""

from __future__ import annotations

import contextlib
import shlex
import time
from collections.abc import Callable

from hil import power
from hil.errors import DeviceAbsentError, LockedError
from hil.guided import StepSkippedError
from hil.power.verified import Verified
from hil.rig import fingerprint, lock, remembered
from hil.rig.matching import key
from hil.rig.model import DeviceEntry, Safety
from hil.rig.quarantine import Quarantine
from hil.rig.safety import may
from hil.rig.traits import TRAITS, recognised
from wslusb.doctor.check import Finding, failed, passed, skipped, warned

from .check import DeviceCheck
from .examination import Examination

__all__ = ["CHECKS"]

_SHOWN = 4
_PAUSE_SECONDS = 1.0
_NODE = """
cd /sys/bus/usb/devices/{busid} && node=$(printf /dev/bus/usb/%03d/%03d $(cat busnum) $(cat devnum)); echo $node
[ -e $node ] || exit 3
[ -r $node ] && [ -w $node ] || exit 4
"""
_RULE = 'SUBSYSTEM=="usb", ATTR{{idVendor}}=="{vid:04x}", ATTR{{idProduct}}=="{pid:04x}", MODE="0660", GROUP="plugdev"'


def _present(examination: Examination, entry: DeviceEntry) -> Finding:
    """Exactly one device fits."""
    try:
        info = examination.device(entry)
    except DeviceAbsentError as error:
        return failed(f"no device has {entry.match}", f"plug it in, or correct [device.{entry.name}]; {error.hint}")
    return passed(f"{info.busid}, {info.hardware_id} {info.description}, {info.speed.name.lower()} speed")


def _fingerprint(examination: Examination, entry: DeviceEntry) -> Finding:
    """Its descriptors are those that the rig file was written for."""
    info = examination.device(entry)
    now = fingerprint.of(info)
    if not entry.fingerprint and entry.source:
        return skipped("the rig file has none; the device is made for the run")
    if not entry.fingerprint:
        return warned("the rig file has none", f"put fingerprint = '{now}' into [device.{entry.name}]")
    if now == entry.fingerprint:
        with contextlib.suppress(OSError):
            remembered.remember(info)
        return passed("as in the rig file")
    was = remembered.recall(entry.fingerprint)
    fix = f"is it the right device, at its usual speed? Then put fingerprint = '{now}' into [device.{entry.name}]"
    if was is None:
        what = f"bcdDevice {info.bcd_device >> 8:x}.{info.bcd_device & 0xFF:02x}, {info.speed.name.lower()} speed"
        return failed(f"its descriptors are not those of the rig file; now it is {what}", fix)
    changes = remembered.differences(was, info)
    more = f"; and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
    return failed(f"its descriptors have changed: {'; '.join(changes[:_SHOWN])}{more}", fix)


def _traits(examination: Examination, entry: DeviceEntry) -> Finding:
    """What tests are told to ask it for is what its descriptors show."""
    shown = recognised(examination.device(entry))
    strange = [name for name, trait in TRAITS.items() if name in entry.traits and trait.shows and name not in shown]
    if strange:
        what = f"its descriptors show no {', '.join(strange)}, but {', '.join(shown) or 'none of the known traits'}"
        return warned(what, f"see that the traits of [device.{entry.name}] are those of this device")
    if left_out := [name for name in shown if name not in entry.traits]:
        return passed(f"its descriptors show {', '.join(left_out)}, too: no test asks it for that")
    return passed(", ".join(shown) or "tests of any device")


def _allowed(examination: Examination, entry: DeviceEntry) -> Finding:
    """No machine lives on it."""
    if why := examination.live.refusal(entry, examination.device(entry)):
        return failed(f"refused: {why}", "see there, or take the device out of the rig file")
    return passed(entry.safety.word)


def _node(examination: Examination, entry: DeviceEntry) -> Finding:
    """Its node of usbfs may be opened for reading and writing."""
    if not examination.live.is_physical:
        return skipped("a virtual device needs none")
    info = examination.device(entry)
    result = examination.live.host.run(_NODE.format(busid=shlex.quote(info.busid)), check=False)
    node = result.stdout.strip()
    if result.returncode == 4:
        rule = _RULE.format(vid=info.vendor, pid=info.product)
        return failed(f"{node} may not be written", f"be root there, or add the udev rule: {rule}")
    if result.returncode:
        return failed(f"there is no {node or 'node'}", "pass /dev/bus/usb into the container, or see that udev runs")
    return passed(node)


def _free(examination: Examination, entry: DeviceEntry) -> Finding:
    """Nobody else uses it, and it is not in quarantine."""
    mark = key(examination.device(entry))
    if (trouble := Quarantine().held(mark)) is not None:
        return warned(f"in quarantine: {trouble}", f"mend it, and run 'python -m hil release {entry.name}'")
    try:
        with lock.hold(mark) as left:
            return passed("free" if left is None else f"free; left behind by {left}")
    except LockedError as error:
        return failed(str(error), error.hint)


def _power(examination: Examination, entry: DeviceEntry) -> Finding:
    """Its power can be switched; with --switch: it has been, and the host saw the device go and come."""
    if entry.power.kind == "none":
        return skipped("nothing switches it: tests that need that are skipped")
    switch = examination.live.switch(entry.name)
    if not switch.can_switch:
        return skipped(f"{switch.describe()}: {getattr(switch, 'reason', 'it cannot be switched now')}")
    if isinstance(switch, Verified):
        switch.check()
    if not examination.switch:
        return passed(f"{switch.describe()}; --switch proves it, and interrupts the device")
    if (why := may(entry, Safety.REVERSIBLE, ())) is not None:
        return skipped(f"{switch.describe()}; not switched: {why}")
    with lock.hold(key(examination.device(entry))):
        return _cycled(examination, entry, switch)


def _cycled(examination: Examination, entry: DeviceEntry, switch: power.PowerSwitch) -> Finding:
    device = examination.live.devices[entry.name]
    try:
        with power.kept_on(switch):
            gone = _timed(switch.off, lambda: device.wait(present=False))
            time.sleep(_PAUSE_SECONDS)
            back = _timed(switch.on, lambda: device.wait(present=True))
    except StepSkippedError as error:
        return skipped(f"{switch.describe()}: {error}")
    except AssertionError as error:
        return failed(f"{switch.describe()} has switched, but: {error}", "this switch only says that it switches")
    return passed(f"{switch.describe()}: gone in {gone:.1f} s, back in {back:.1f} s")


def _timed(*steps: Callable[[], object]) -> float:
    started = time.monotonic()
    for step in steps:
        step()
    return time.monotonic() - started


CHECKS = (
    DeviceCheck("present", "plugged in", _present, ("up",)),
    DeviceCheck("fingerprint", "fingerprint", _fingerprint, ("present",)),
    DeviceCheck("traits", "traits", _traits, ("present",)),
    DeviceCheck("allowed", "may be tested", _allowed, ("present",)),
    DeviceCheck("node", "permissions", _node, ("present",)),
    DeviceCheck("free", "lock", _free, ("present",)),
    DeviceCheck("power", "power", _power, ("present", "allowed", "free")),
)
