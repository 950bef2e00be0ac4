"""The catalogue's devices: a module a kind, found by its ``KIND`` (``emulator/catalogue.py``)."""
