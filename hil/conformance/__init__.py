"""Tests of a device from the host's side: chapter 9 of USB 2.0, and the cases of Linux' usbtest, on any wslusb Device.

``python -m hil.conformance emulator:loopback`` runs them; docs/conformance.md lists them.
"""
