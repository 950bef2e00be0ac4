"""USB devices of a host as real USB devices in a Linux guest, over Hyper-V sockets or vsock: no IP network.

See README.md for daily use, docs/architecture.md for how the house is laid out and docs/protocol.md for the wire.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__: str


def __getattr__(name: str) -> str:
    """``__version__`` when it is asked for: importlib.metadata takes longer to import than the whole command line."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("wslusb")
    except PackageNotFoundError:  # run from a checkout that is not installed
        found = "0+unknown"
    globals()[name] = found
    return found
