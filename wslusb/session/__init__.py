"""What the messages mean, with no socket, thread, clock or file: states, sequence numbers, credits, the unlink rule.

The design follows h11: bytes in, checked frames out; a shell in :mod:`wslusb.transport` does the I/O.
"""
