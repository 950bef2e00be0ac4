"""``wslusb report``."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import LocalError, LocalReason, WslusbError
from . import options, output, reach
from .reach import Place, Role

if TYPE_CHECKING:
    from ..control.messages import Json
    from ..report.bundle import Bundle

__all__ = ["command"]

_CAPTURE, _DESCRIPTORS, _SYSFS = "the capture", "the descriptors", "sysfs"
_JOURNAL = "what systemd has of service and agent"
_MOST_LOG = 16 << 20


@click.command(
    "report",
    short_help="Pack all that a bug report needs into one file.",
    help="Pack into one zip what a bug report needs: a capture of the device while the problem happens (what 'capture "
    "--ring' has kept, where it keeps something; else live, until Ctrl-C), its descriptors, what doctor says, "
    "versions, states and kernel messages. Private data are taken out, and the README in it says what is left "
    "(docs/bugs.md). Without DEVICE it is about the machine alone.",
)
@options.device_named(optional=True)
@click.option("-o", "--output", "path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.zip",
              required=True, help="Write it there.")  # fmt: skip
@click.option("--seconds", type=click.FloatRange(min=0.01), metavar="SECONDS", help="Capture for so long.")
@click.option("--no-capture", is_flag=True, help="Leave the capture out: the device cannot even be attached, say.")
@click.option("--log", "logs", multiple=True, type=click.Path(path_type=Path, dir_okay=False, exists=True),
              metavar="FILE", help="Put this log in, too: of 'serve', of a program. Repeatable.")  # fmt: skip
@click.option("--raw", is_flag=True, help="Take nothing out: it has keys, serial numbers, files and names in it.")
@click.option("--keep-vendor", is_flag=True, help="Leave the data of vendor-specific interfaces and requests in.")
@options.control
def command(
    *, device: str | None, path: Path, seconds: float | None, no_capture: bool, logs: Sequence[Path], raw: bool,
    keep_vendor: bool, control: Path | None,
) -> None:  # fmt: skip
    """Write a bundle."""
    from ..report import readme
    from ..report.bundle import Bundle
    from ..report.redactor import Redactor

    place = _running(control)
    with _interruptible(), Bundle(path, Redactor(raw=raw, ordinary=readme.words())) as bundle:
        if place is None:
            bundle.missing["the service and the agent"] = "none runs here"
        if device is not None:
            bundle.device = device
            _describe(bundle, device, control)
            if no_capture:
                bundle.missing[_CAPTURE] = "it was left out on request"
            else:
                _capture(bundle, place, {"device": device, "keep_vendor": keep_vendor}, seconds)
        _machine(bundle, control)
        for log in logs:
            _log(bundle, log)
        bundle.write()
    for what, why in bundle.missing.items():
        if what != _JOURNAL:  # few have one
            output.warning(f"without {what}: {why}")
    output.info(f"wrote {path}")
    if raw:
        output.warning(f"{path} is not redacted", "without --raw it may be given away")
    else:
        output.hint("its README says what is in it: look through it, then attach it to the bug report")


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM is Ctrl-C: whatever ends this, it takes its own files away."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _running(control: Path | None) -> Place | None:
    try:
        return reach.find(Role.SERVICE, Role.AGENT, control=control)
    except LocalError as error:
        if error.reason is not LocalReason.NOT_RUNNING or control is not None:
            raise
        return None


def _request(bundle: Bundle) -> dict[str, Any]:
    """How a service or agent is to redact its part."""
    from ..control import tokens

    redactor = bundle.redactor
    return {} if redactor.raw else tokens.ask(redactor.salt, redactor.long_names)


def _describe(bundle: Bundle, name: str, control: Path | None) -> None:
    """The descriptors. A name that nobody here knows, or that fits several devices, is all that ends the report."""
    from ..capture.bundle import LSUSB

    try:
        view = _view(bundle, name, control)
    except WslusbError as error:
        reason = error.reason if isinstance(error, LocalError) else None
        if reason is LocalReason.AMBIGUOUS or (reason is LocalReason.NOT_FOUND and not _listed(name, control)):
            raise
        bundle.missing[_DESCRIPTORS] = "the device is not here" if reason is LocalReason.NOT_FOUND else str(error)
        return
    if "originals" not in view:  # it does not know of redaction
        bundle.missing[_DESCRIPTORS] = "the service is of an older version"
        return
    bundle.redactor.learn_originals(map(bytes.fromhex, view["originals"]))
    bundle.device = next((line for line in view["lsusb"].splitlines() if line), name)
    bundle.add_redacted("device.toml", "what the device says of itself, as a virtual device", view["scenario"])
    bundle.add_redacted(LSUSB, "the same, as 'lsusb -v' prints it", view["lsusb"])


def _view(bundle: Bundle, name: str, control: Path | None) -> Json:
    from ..control import descriptions
    from ..device.describe_open import describe_beside_its_drivers
    from .describe import SECONDS, locate

    found, request = locate(name, control), _request(bundle)
    if isinstance(found, Place):
        return found.call("describe", device=name, attached=True, timeout=SECONDS, **request)
    _sysfs(bundle, found.info.busid)
    return descriptions.view(describe_beside_its_drivers(found), request)


def _listed(name: str, control: Path | None) -> bool:
    """Whether somebody knows such a device, though it is not here: a guest's host, or whoever remembers it.

    Where the host is away, anything may be its.
    """
    from .list import fetch

    try:
        listing = fetch(control)
    except LocalError:
        return True
    names = ("busid", "hardware_id", "serial", "instance_id")
    return any(name == device.get(key) for device in (*listing.devices, *listing.unplugged) for key in names)


def _sysfs(bundle: Bundle, busid: str) -> None:
    from ..report.machine import Unavailable, device_in_sysfs

    try:
        bundle.add_text("sysfs.txt", "what Linux shows of it: speed, drivers, power", device_in_sysfs(busid))
    except Unavailable as error:
        bundle.missing[_SYSFS] = str(error)


def _capture(bundle: Bundle, place: Place | None, what: dict[str, Any], seconds: float | None) -> None:
    """What a ring has kept, or else what goes on from now on."""
    from ..capture.bundle import CAPTURE
    from .capture import take

    if place is None:
        bundle.missing[_CAPTURE] = "nothing runs here that could capture"
        return
    path = bundle.folder / CAPTURE
    what |= {"raw": bundle.redactor.raw, **_request(bundle)}
    wait = f"within {seconds:g} seconds" if seconds else "now, then press Ctrl-C"
    try:
        try:
            taken, how = take(place, "capture-save", path, what, None), "what the ring had kept"
        except LocalError as error:
            if error.reason is not LocalReason.BAD_STATE:
                raise
            begun = lambda: output.info(f"capturing: reproduce the problem {wait}")  # noqa: E731
            taken, how = take(place, "capture", path, what, seconds, begun), "taken while the problem was reproduced"
    except LocalError as error:
        if error.reason is LocalReason.REFUSED:
            raise
        bundle.missing[_CAPTURE] = str(error)
        return
    bundle.redactor.learn_originals(taken.originals)
    bundle.add_redacted(path.name, f"URBs and messages, {how}: {taken.line}", path)
    if not taken.whole:
        bundle.missing["the end of the capture"] = f"the {place.role.value} has gone meanwhile"
    if not taken.state["urbs"]:
        bundle.missing["URBs in the capture"] = "none went by: was the device attached, and used?"


def _machine(bundle: Bundle, control: Path | None) -> None:
    """What is asked after the problem has been reproduced."""
    from ..doctor import diagnose, side_of
    from ..report import machine
    from . import doctor

    around = doctor.surroundings()
    sides = side_of(around)
    results = diagnose(around, sides)
    text = "".join(f"{click.unstyle(line)}\n" for line in doctor.lines(results))
    bundle.add_text("doctor.txt", "what 'wslusb doctor' says", text)
    bundle.add_json("doctor.json", "the same", {"schema": doctor.SCHEMA, **doctor.as_tree(sides, results)})
    bundle.add_json("state.json", "what runs, who is connected, what is attached and plugged in", _states(control))
    bundle.add_text("versions.txt", "of wslusb, Python, libusb and the system", machine.versions(around.libusb_version))
    for name, what, ask in (
        ("kernel.txt", "kernel messages about USB and vsock", machine.kernel_messages),
        ("journal.txt", _JOURNAL, machine.journal),
    ):
        try:
            bundle.add_text(name, what, ask())
        except machine.Unavailable as error:
            bundle.missing[what] = str(error)


def _states(control: Path | None) -> dict[str, Any]:
    """The body of ``state --json``, and what ``list`` knows where nothing runs. An error is its own answer."""
    from .list import fetch
    from .state import fetch as state_of

    states: dict[str, Any] = {}
    for role in Role:
        try:
            states[role.value] = state_of(role, control)
        except LocalError as error:
            states[role.value] = {"error": str(error)}
    try:
        states["devices"] = fetch(control).devices
    except LocalError as error:
        states["devices"] = {"error": str(error)}
    return states


def _log(bundle: Bundle, path: Path) -> None:
    """The end of a log."""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _MOST_LOG))
        text = file.read().decode("utf-8", "replace")
    number = len([each for each in bundle.names if each.startswith("logs/")]) + 1
    bundle.add_text(f"logs/{number}.txt", f"the end of {path.name}", text)
