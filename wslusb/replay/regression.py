"""Writes a regression test: a small pytest module with the capture beside it, which needs wslusb and nothing else."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from pathlib import Path

from ..capture import bundle
from ..errors import LocalError, LocalReason
from .story import Story

__all__ = ["write"]

_TEMPLATE = '''"""{file}, device {name}, as a regression test.

    WSLUSB_TEST_DEVICE=emulator:storage pytest {test}

sends to that device (PROVIDER[:ARGUMENT], as for `wslusb serve --device`) what the capture's host sent.{wrong_text}
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wslusb.device.registry import load_provider
from wslusb.replay.device import Mode, ReplayDevice
from wslusb.replay.host import ReplayHost
from wslusb.replay.reading import read

CAPTURE = Path(__file__).with_name("{file}")
DEVICE = "{name}"
WRONG = {wrong}
"""Packets of the capture whose answers are the fault: a mended device answers something else."""


def differing(log) -> set[int]:
    return {{each.packet for each in log.kept}}


def test_the_capture_as_a_device_answers_the_host_of_the_capture() -> None:
    story = read(CAPTURE, DEVICE)
    device = ReplayDevice(story, Mode.STRICT)
    log = ReplayHost(story).play(device)
    device.close()
    assert not log.report() and not device.log.report(), "\\n".join(log.report() + device.log.report())


@pytest.mark.skipif("WSLUSB_TEST_DEVICE" not in os.environ, reason="WSLUSB_TEST_DEVICE names no device")
def test_a_device_answers_the_host_of_the_capture() -> None:
    provider = load_provider(os.environ["WSLUSB_TEST_DEVICE"])
    device = provider.open(next(iter(provider.devices())))
    try:
        log = ReplayHost(read(CAPTURE, DEVICE)).play(device)
    finally:
        device.close()
        provider.close()
    assert differing(log) == WRONG, "\\n".join(log.report()) or "the fault is still there"
'''


def write(capture: Path, story: Story, folder: Path, wrong: Collection[int] = ()) -> Path:
    """Write the test and copy the capture beside it; where the test is.

    ``wrong``: numbers of the packets whose answers are the fault. OSError if it cannot be written, LocalError if it is
    there already, or a packet is no answer.
    """
    _check(story, wrong)
    folder.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"\W+", "_", capture.stem).strip("_").lower() or "capture"
    name = f"{stem}{'.pcapng' if capture.suffix == '.zip' else capture.suffix}"
    test, copy = folder / f"test_{stem}.py", folder / name
    own = copy.exists() and copy.samefile(capture)
    for each in [test] if own else [test, copy]:
        if each.exists():
            hint = "choose another folder, or give the capture a name of its own: the test is called after it"
            raise LocalError(LocalReason.BAD_STATE, f"{each} is there already", hint=hint)
    if not own:
        with bundle.open_capture(capture) as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target)
    text = (
        "\nIt fails until the answers in WRONG are others." if wrong else "\nIt fails until all answers are the same."
    )
    numbers = f"{{{', '.join(map(str, sorted(wrong)))}}}" if wrong else "set[int]()"
    test.write_text(
        _TEMPLATE.format(file=name, name=story.name, test=test.name, wrong_text=text, wrong=numbers), encoding="utf-8"
    )
    return test


def _check(story: Story, wrong: Collection[int]) -> None:
    answers = {each.answer_number for each in story.exchanges if each.answer is not None}
    for number in sorted(set(wrong) - answers):
        to = next((each.answer_number for each in story.exchanges if each.number == number), 0)
        hint = f"packet {to} is the answer to it" if to else "'tshark -r' lists them; an answer has the type C"
        raise LocalError(LocalReason.NOT_FOUND, f"packet {number} is no answer of {story.name}", hint=hint)
