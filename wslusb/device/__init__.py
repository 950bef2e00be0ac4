"""The URB seam: the Device interface, and the devices of this package that stand behind it."""
