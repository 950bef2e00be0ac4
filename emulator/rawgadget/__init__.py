"""Devices on a real USB device controller, through /dev/raw-gadget: what is plugged into that port's cable sees them.

``python -m emulator.rawgadget serial`` makes a board with such a controller (a Raspberry Pi, a BeagleBone) a serial
adapter; with dummy_hcd the cable ends in the same kernel.
"""
