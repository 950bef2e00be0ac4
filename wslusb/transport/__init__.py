"""The byte seam: addresses, streams, listeners, and the framed link on top of a stream."""
