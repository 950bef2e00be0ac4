"""The parts of a USB headset: descriptions, controls, streams, sound."""
