"""The rig file: what is plugged in where, what may be done to it, and whether that is so (docs/hil-rig.md)."""
