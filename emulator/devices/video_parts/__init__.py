"""The parts of a webcam: description, controls, negotiation, pictures, streams."""
