"""Programs that run beside a device, on either side, and say in JSON what it did (docs/hil.md)."""
