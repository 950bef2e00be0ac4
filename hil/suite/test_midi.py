"""MIDI instruments whose OUT goes to their IN: what is played comes back, note by note."""

from __future__ import annotations

import random

import pytest

from hil.harness.fixtures import Both
from hil.live.device import LiveDevice
from hil.live.side import probe

pytestmark = [pytest.mark.trait("midi"), pytest.mark.safety("reversible")]

_SEED = 11
_NOTE_ON, _NOTE_OFF, _CONTROL, _SYSEX, _END = 0x90, 0x80, 0xB0, 0xF0, 0xF7
_EVENTS = 300


def _music(count: int) -> bytes:
    """Channel messages of every channel without running status, and now and then an exclusive one of odd length."""
    dice = random.Random(_SEED)
    music = bytearray()
    for number in range(count):
        if number % 20 == 0:
            music += bytes((_SYSEX, 0x7D, *(dice.randrange(128) for _ in range(1 + number % 7)), _END))
        else:
            status = dice.choice((_NOTE_ON, _NOTE_OFF, _CONTROL)) | number % 16
            music += bytes((status, dice.randrange(120), dice.randrange(1, 128)))
    return bytes(music)


def test_what_is_played_comes_back(dut: LiveDevice, both: Both, effort: float) -> None:
    """Notes, controllers and exclusive messages: all of them, in order."""
    if not dut.entry.options.get("midi", {}).get("loop", False):
        pytest.skip("nothing sends back what it plays: midi = { loop = true } in the rig file")
    music = _music(max(40, round(_EVENTS * effort)))
    for side in both.with_kernel():
        answer = probe(side.daemons, side.place, "midi_loop", node=side.node("/dev/snd/midiC"), data=music.hex())
        heard = bytes.fromhex(answer)
        wrong = next((at for at, pair in enumerate(zip(heard, music, strict=False)) if pair[0] != pair[1]), len(heard))
        assert heard == music, f"{side}: {len(heard)} of {len(music)} bytes came back; from byte {wrong} on they differ"
