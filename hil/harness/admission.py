"""Whether a test may have a device: its owner's rules, locks, quarantine, and whether it is there at all."""

from __future__ import annotations

from typing import NoReturn

import pytest

from hil.errors import AmbiguousDeviceError, DeviceAbsentError, RigError, WantingError
from hil.harness.evidence import DEPARTURES, WHERE
from hil.harness.lifetime import Lifetime
from hil.harness.running import DEVICE, MOST_FAILURES, Course
from hil.harness.selecting import wanted_safety
from hil.live.device import LiveDevice
from hil.rig import lock, matching, safety
from hil.rig.keys import VIRTUAL_HOSTS
from hil.rig.model import DeviceEntry
from hil.rig.quarantine import Quarantine, Trouble
from wslusb.usb.info import DeviceInfo

__all__ = ["SET_ASIDE", "RefusedError", "admitted", "record_run"]

SET_ASIDE = pytest.StashKey[bool]()
"""Set for a test that its device is left out of, for its failures."""


class RefusedError(RigError):
    """The rig file names a device that no test may have."""


def admitted(item: pytest.Item, entry: DeviceEntry) -> LiveDevice:
    """The device, for this test. Skips what its owner does not allow; what is named and absent fails."""
    config = item.config
    if why_not := safety.may(entry, wanted_safety(item), config.getoption("--destructive")):
        raise WantingError(why_not)
    course = config.stash[Course.key]
    if course.quarantined(entry.name):
        _set_aside(item, f"{entry.name} failed {MOST_FAILURES} tests in a row")
    lifetime = config.stash[Lifetime.key]
    device = item.stash[DEVICE] = lifetime.live.devices[entry.name]
    try:
        info = device.info()
    except DeviceAbsentError as error:
        item.stash[WHERE] = "what is plugged in: wslusb was not tried"
        pytest.fail(f"{device.rig.rig.path}:{entry.line}: {error} ({error.hint})", pytrace=False)
    except AmbiguousDeviceError as error:
        raise RefusedError(f"{device.rig.rig.path}:{entry.line}: {error}; {error.hint}") from error
    item.stash[DEPARTURES] = device.departures()
    lifetime.live.leave_alone(device)
    if entry.name not in lifetime.admitted:
        _first_time(device, info, lifetime)
    if trouble := lifetime.admitted[entry.name]:
        _set_aside(item, trouble)
    return device


def _set_aside(item: pytest.Item, why: str) -> NoReturn:
    item.stash[SET_ASIDE] = True
    pytest.skip(why)


def _first_time(device: LiveDevice, info: DeviceInfo, lifetime: Lifetime) -> None:
    """What does not change during a session. A virtual rig's devices are nobody else's: no locks, no memory."""
    entry, live = device.entry, device.rig
    if reason := live.refusal(entry, info):
        raise RefusedError(f"{live.rig.path}:{entry.line}: {entry.name} is refused: {reason}")
    why = ""
    if live.rig.host.kind not in VIRTUAL_HOSTS:
        key = matching.key(info)
        if trouble := Quarantine().held(key):
            why = f"{trouble}; 'python -m hil release {entry.name}' lets it take part again"
        lifetime.keep(lock.hold(key))
        lifetime.keys[entry.name] = key
    lifetime.admitted[entry.name] = why


def record_run(lifetime: Lifetime, course: Course) -> list[Trouble]:
    """Remember for the next run how the devices of real hardware did in this one; those that it will leave out."""
    recorded = []
    for name, key in lifetime.keys.items():
        unknown = name in course.untried and name not in course.failed
        if not lifetime.admitted[name] and not unknown:
            reason = course.reasons.get(name, "")
            recorded.append(Quarantine().record(key, name, failed=name in course.failed, reason=reason))
    return [trouble for trouble in recorded if trouble is not None]
