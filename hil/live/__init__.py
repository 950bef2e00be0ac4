"""A rig that is up: its machines, the daemons on them, its devices, and the two sides on which each is used."""
