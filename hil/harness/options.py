"""What is said on the command line, and the rig that it means."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hil.errors import RigError
from hil.harness.selecting import check_left_out
from hil.live.opening import BACKENDS
from hil.report.results import Results
from hil.rig.locating import default_path
from hil.rig.model import PlaceEntry, Rig
from hil.rig.reading import read_rig

__all__ = ["add", "against", "results_folder", "rig_of"]

RIGS = Path(__file__).parents[1] / "rigs"


def add(parser: pytest.Parser) -> None:
    """The options of the suite."""
    group = parser.getgroup("hil", "hardware in the loop (docs/hil.md)")
    group.addoption("--rig", type=Path, metavar="FILE", help="rig file; default: $WSLUSB_RIG, rig.toml, the user's own")
    group.addoption("--backend", choices=("real", "qemu", "emulated", "replay"), help="default: as the rig file says")
    group.addoption(
        "--replay", metavar="FILE[,device=1.4]", action="append", default=[],
        help="a capture, for --backend replay (may be given again)",
    )  # fmt: skip
    group.addoption("--dut", metavar="NAME", action="append", default=[], help="only this device (may be given again)")
    group.addoption(
        "--destructive", metavar="NAME", action="append", default=[],
        help="what is on this device may be lost, if the rig file says so too (may be given again)",
    )  # fmt: skip
    group.addoption("--strict-rig", action="store_true", help="what would be skipped for want of something, fails")
    group.addoption("--guided", action="store_true", help="ask for what no switchable hub can do: unplug, plug")
    group.addoption("--no-retry", action="store_true", help="a failure is final; there is no second try")
    group.addoption(
        "--effort", type=float, default=1.0, metavar="FACTOR", help="how long what repeats is repeated: 0.1, 1, 20"
    )
    group.addoption(
        "--captures", action="store_true", help="keep a capture of every test, for python -m hil fidelity to compare"
    )
    group.addoption(
        "--against", type=Path, metavar="RESULTS",
        help="an earlier run's results.json: the report says what is new since then (default: the last run into DIR)",
    )  # fmt: skip
    group.addoption(
        "--results", type=Path, metavar="DIR", default=Path("hil-results"),
        help="where results.json, report.html, junit.xml and the folders of failures go; those of the run before are"
        " moved to DIR/previous (default: hil-results)",
    )  # fmt: skip


def rig_of(config: pytest.Config) -> Rig | None:
    """The rig that the options mean, with the devices that they choose; None if there is no rig file.

    RigFileError, RigError for an option or a file that cannot be.
    """
    rig = _rig(config)
    if rig is None:
        return None
    check_left_out(rig)
    for name in config.getoption("--destructive"):
        rig.device(name)  # a name that is spelt wrong would allow nothing, and not say so
    chosen = dict.fromkeys(config.getoption("--dut"))
    return replace(rig, devices=tuple(rig.device(name) for name in chosen)) if chosen else rig


def _rig(config: pytest.Config) -> Rig | None:
    path, backend = config.getoption("--rig"), config.getoption("--backend")
    captures: list[str] = config.getoption("--replay")
    if captures and (path is not None or backend != "replay"):
        hint = f"--backend replay --replay {captures[0]}, and no --rig"
        raise RigError("--replay stands in for a rig file", hint=hint)
    if path is None and backend in ("qemu", "emulated"):
        path = RIGS / f"{backend}.toml"
    if path is None and backend == "replay":
        return _of_captures(captures)
    path = path or default_path()
    if path is None:
        return None
    rig = read_rig(path)
    if backend not in (None, BACKENDS.get(rig.host.kind)):
        raise RigError(f"{path}: a host of kind {rig.host.kind!r} is not the back end {backend!r}")
    return rig


def _of_captures(captures: list[str]) -> Rig:
    """A device a capture; its traits are those that its descriptors show."""
    if not captures:
        raise RigError("which captures are to be replayed?", hint="--backend replay --replay bug.pcapng")
    from hil.harness.captures import entries_of

    return Rig(name="replay", host=PlaceEntry("replay"), devices=tuple(entries_of(captures)), path=Path(captures[0]))


def results_folder(config: pytest.Config) -> Path:
    """Where results go."""
    return Path(config.rootpath / config.getoption("--results"))


def against(config: pytest.Config) -> Results | None:
    """The run that this one is to be held against, if one is named. RigError if that cannot be read."""
    path = config.getoption("--against")
    if path is None:
        return None
    try:
        return Results.read(path)
    except OSError as error:
        raise RigError(f"--against: {path}: {error.strerror or error}") from error
