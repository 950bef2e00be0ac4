"""Whose a failure is: a daemon's that died, the rig's or the test's own; and a folder of what is known of it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from hil.deaths import Death
from hil.errors import MachineDiedError, RigError
from hil.harness import observers, options, wording
from hil.harness.evidence import ARTEFACTS, BEGAN, COMPARISON, DEATHS, DEPARTURES, HEADLINE, KEPT, WHERE
from hil.harness.folder import FAILURES, name_of
from hil.harness.lifetime import Lifetime
from hil.harness.running import DEVICE, ERROR, WAITED, is_the_rig_s, waited

__all__ = ["blame", "collect", "must_live"]


def must_live(item: pytest.Item) -> None:
    """A daemon that dies is a failure of the test in which it does, whatever else that has found.

    One that was killed from outside is the rig's trouble.
    """
    if deaths := _deaths(item):
        text = "; ".join(map(str, deaths))
        if all(death.signal for death in deaths):
            raise RigError(text)
        pytest.fail(text, pytrace=False)


def _deaths(item: pytest.Item) -> list[Death]:
    lifetime = item.config.stash[Lifetime.key]
    if DEATHS not in item.stash or not lifetime.is_up:
        return []
    new = lifetime.live.daemons.deaths()
    item.stash[DEATHS] += new
    return new


def blame(item: pytest.Item, caught: pytest.ExceptionInfo[BaseException]) -> None:
    """Whether it is the rig's trouble: not if a daemon or a verb of wslusb failed. And in a line, what it is.

    What is seen while a machine is dead is not judged, unless its kernel has crashed: wslusb is the first suspect then.
    """
    deaths, error = _deaths(item), caught.value
    lifetime = item.config.stash[Lifetime.key]
    troubles = lifetime.live.troubles() if lifetime.is_up else []
    item.stash[WAITED][-1] |= waited(error)
    killed = [bool(death.signal) for death in item.stash[DEATHS]]
    rigs = item.stash[ERROR] or is_the_rig_s(error) or any((*troubles, *killed))
    crashes = lifetime.live.crashes() if troubles else []
    item.stash[ERROR] = rigs and all(killed) and not crashes
    if HEADLINE not in item.stash:
        text = wording.headline(caught, item.stash.get(COMPARISON, None))
        machines = [] if isinstance(error, MachineDiedError) else troubles
        item.stash[HEADLINE] = ": ".join([*crashes, *machines, *map(str, deaths), *_loss(item), text])


def _loss(item: pytest.Item) -> list[str]:
    """What happened to the device meanwhile, if it was there when the test began and is no more, or was not always."""
    device = item.stash.get(DEVICE, None)
    if device is None or WHERE in item.stash:
        return []
    if device.has_left():
        return [f"{device.name} {wording.LEFT}"]
    times = device.departures() - item.stash.get(DEPARTURES, 0)
    return [f"{device.name} {wording.LEFT}, {wording.often(times)}, and came back"] if times > 0 else []


def collect(item: pytest.Item, report: pytest.TestReport) -> None:
    """Make the folder of an attempt that failed (:mod:`hil.harness.observers`), and say in which part to look."""
    results = options.results_folder(item.config)
    name = name_of(item.nodeid)
    names = itertools.chain([name], (f"{name}-{attempt}" for attempt in itertools.count(2)))
    folder = next(path for each in names if not (path := results / FAILURES / each).exists())
    extra: dict[str, Any] = {"test": item.nodeid, "started": item.stash[BEGAN], "failed": report.stop}
    item.stash[ARTEFACTS] = str(folder.relative_to(results))
    told = observers.collect(
        item.config.stash[Lifetime.key].live, folder, report.longreprtext, extra, item.stash.get(KEPT, None)
    )
    deaths = [death.name for death in item.stash[DEATHS] if not death.signal]
    item.stash.setdefault(WHERE, wording.where(item.stash[HEADLINE], deaths, told, rigs=item.stash[ERROR]))
    report.sections.append(("kept", str(folder)))
