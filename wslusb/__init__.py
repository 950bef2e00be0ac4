"""USB devices of a host as real USB devices in a Linux guest, over Hyper-V sockets or vsock: no IP network.

See README.md for daily use, docs/architecture.md for how the house is laid out and docs/protocol.md for the wire.
"""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["__version__"]

try:
    __version__ = version("wslusb")
except PackageNotFoundError:  # run from a checkout that is not installed
    __version__ = "0+unknown"
