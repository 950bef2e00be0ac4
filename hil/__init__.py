"""Hardware in the loop: rigs, real or virtual, that put a device, a host and a guest in front of the tests."""
