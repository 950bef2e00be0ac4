"""Measurements: rates and costs on this machine, and beside the kernel's own usbip in virtual machines."""
