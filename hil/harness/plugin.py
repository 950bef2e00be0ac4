"""The hooks; hil/suite/conftest.py loads this."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from hil.errors import WantingError
from hil.guided import Terminal
from hil.harness import folder, options, selecting, turns
from hil.harness.admission import SET_ASIDE, record_run
from hil.harness.blame import blame, collect, must_live
from hil.harness.evidence import ARTEFACTS
from hil.harness.lifetime import Lifetime
from hil.harness.recording import Recorder, devices_of, machines_of, result_of
from hil.harness.running import ERROR, GAVE_UP, WAITED, Course, run
from hil.live.opening import BACKENDS
from hil.report.results import Outcome
from wslusb.errors import WslusbError

pytest_plugins = ["hil.harness.fixtures"]

RIG_TROUBLE = 10
"""Exit code of a session whose only failures are the rig's."""
MOST_SECONDS = 600.0
"""How long both attempts at a test may take, unless --timeout says so: devices and virtual machines are slow."""
_MARKS = (
    "trait(name, ...): the device must have these",
    "safety(word): what the test does to its device: read-only, reversible or destructive",
    "one_device: the first device that may be used is enough",
    "no_device(reason): set where no device fits",
)
_LETTERS = {
    Outcome.INFRASTRUCTURE: ("infrastructure", "I", ("RIG", {"red": True})),
    Outcome.FLAKY: ("flaky", "K", ("FLAKY", {"yellow": True})),
    Outcome.QUARANTINED: ("quarantined", "Q", ("QUARANTINED", {"yellow": True})),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: results, and nothing is left running
    for mark in _MARKS:
        config.addinivalue_line("markers", mark)
    try:
        rig, before = options.rig_of(config), options.against(config)
    except WslusbError as error:
        raise _usage(error) from error
    lifetime = config.stash[Lifetime.key] = Lifetime(rig, Terminal() if config.getoption("--guided") else None)
    if rig is not None and not config.option.collectonly:
        try:
            if not hasattr(config, "workerinput"):
                lifetime.keep(folder.ours(options.results_folder(config)))
            turns.share(config, rig)
        except WslusbError as error:
            lifetime.close()
            raise _usage(error) from error
    config.stash[Course.key] = Course()
    backend = BACKENDS[rig.host.kind] if rig is not None else "none"
    config.stash[Recorder.key] = Recorder(rig, backend, options.results_folder(config), before)


def _usage(error: WslusbError) -> pytest.UsageError:
    return pytest.UsageError(f"{error}{f' ({error.hint})' if error.hint else ''}")


def pytest_itemcollected(item: pytest.Item) -> None:
    if item.config.getoption("timeout", None) is None and selecting.DUT in getattr(item, "fixturenames", ()):
        seconds = MOST_SECONDS * max(1.0, item.config.getoption("--effort"))
        item.add_marker(pytest.mark.timeout(seconds))


def pytest_report_header(config: pytest.Config) -> str:
    rig = config.stash[Lifetime.key].rig
    if rig is None:
        return f"rig: {selecting.NO_RIG}"
    return f"rig: {rig.name} ({rig.path}), {BACKENDS[rig.host.kind]}: {', '.join(each.name for each in rig.devices)}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    selecting.parametrise(metafunc, metafunc.config.stash[Lifetime.key].rig)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from hil.harness.sharing import ByDevice  # needs pytest-xdist

    rig = config.stash[Lifetime.key].rig
    return ByDevice(config, log, [entry.name for entry in rig.devices]) if rig is not None else None


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    if selecting.DUT not in getattr(item, "fixturenames", ()):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports, outcome = run(item, nextitem, retry=not item.config.getoption("--no-retry"))
    result = result_of(item, reports, outcome)
    if outcome is Outcome.SKIPPED and item.stash.get(SET_ASIDE, False):
        outcome = result.outcome = Outcome.QUARANTINED
    if result.device is not None:
        waited = item.stash[WAITED]
        item.config.stash[Course.key].note(result.device, outcome, result.message, stuck=all(waited))
    Recorder.attach(reports[-1], result, devices_of(item), machines_of(item))
    without_device = item.get_closest_marker("no_device")
    for report in reports:
        report.user_properties.append(("outcome", str(outcome)))
        if report.skipped and without_device is not None:
            # The same place for all, so that pytest tells the reason once.
            report.longrepr = (item.config.args[0], None, f"Skipped: {without_device.args[0]}")  # type: ignore[assignment]
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    with _for_want_of_something(item.config):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    with _for_want_of_something(item.config):
        said = yield
    must_live(item)
    return said


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    said = yield
    must_live(item)
    return said


@contextlib.contextmanager
def _for_want_of_something(config: pytest.Config) -> Iterator[None]:
    try:
        yield
    except WantingError as error:
        (pytest.fail if config.getoption("--strict-rig") else pytest.skip)(str(error))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and call.excinfo is not None and ERROR in item.stash:
        blame(item, call.excinfo)
        if ARTEFACTS not in item.stash and item.config.stash[Lifetime.key].is_up:
            try:
                collect(item, report)
            except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - the failure itself is to be told
                report.sections.append(("not kept", f"{type(error).__name__}: {error}"))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    recorder = _Session.recorder
    if recorder is not None:
        recorder.take(report)


class _Session:
    """For hooks that are given no configuration. ``recorder`` is None in a worker, and without a rig."""

    recorder: Recorder | None = None
    ended = False
    """Whether it came to its end by itself. Its exit status does not say so after two Ctrl-C, one behind the other."""


def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    leads = config.stash[Lifetime.key].rig is not None and not hasattr(config, "workerinput")
    _Session.recorder = config.stash[Recorder.key] if leads else None
    _Session.ended = False


def pytest_runtest_logstart() -> None:
    recorder = _Session.recorder
    if recorder is not None and not recorder.begun:
        try:
            recorder.begin()
        except OSError as error:
            raise pytest.UsageError(f"--results: cannot move what lies there: {error}") from error


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, Any] | None:
    outcome = dict(each for each in report.user_properties if each[0] == "outcome").get("outcome")
    if outcome is None or outcome not in _LETTERS or (report.when != "call" and report.passed):
        return None
    return _LETTERS[Outcome(str(outcome))]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for test in config.stash[Recorder.key].tests:
        if test.outcome in _LETTERS:
            _, _, (word, _) = _LETTERS[test.outcome]
            why = next((each.message for each in test.attempts if each.message), test.message)
            terminalreporter.write_line(f"{word} {test.id} - {why}")


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    try:
        said = yield
    except session.Failed:  # as many failures as --maxfail allows
        _Session.ended = True
        raise
    _Session.ended = True
    return said


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    config = session.config
    recorder = _Session.recorder
    if recorder is not None and recorder.begun:
        recorder.unfinished = max(session.testscollected - len(recorder.tests), 0)
        recorder.interrupted = not _Session.ended
        try:
            said = f"report: {recorder.write()}"
        except OSError as error:
            said = f"no report: cannot write {options.results_folder(config)}: {error.strerror}"
            session.exitstatus = session.exitstatus or RIG_TROUBLE
        _say(config, said)
        ends = {test.outcome for test in recorder.tests}
        told = session.exitstatus == pytest.ExitCode.TESTS_FAILED
        if told and Outcome.INFRASTRUCTURE in ends and Outcome.FAILED not in ends:
            session.exitstatus = RIG_TROUBLE
    lifetime = config.stash[Lifetime.key]
    try:
        for trouble in record_run(lifetime, config.stash[Course.key]):
            _say(config, f"in quarantine from the next run on: {trouble}")
    except GAVE_UP as error:
        _say(config, f"not remembered for the next run: {error}")
    finally:
        lifetime.close()
    return (yield)


def _say(config: pytest.Config, line: str) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.ensure_newline()
        reporter.write_line(line)
