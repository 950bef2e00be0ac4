"""What a maintainer needs to know of a machine and a device, in one file that may be given away (docs/bugs.md)."""
