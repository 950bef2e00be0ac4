"""Random walks through what can be done to a device, over the real passthrough, and shrunk on the emulator.

What a walk may do and what must hold is written once (:mod:`.steps`, :mod:`.player`, :mod:`.model`, :mod:`.walk`), over
a small interface (:mod:`.bench`) that a rig has (:mod:`.on_rig`), and the emulator (:mod:`.on_emulator`).
"""
