"""What a MIDI device is made of."""
