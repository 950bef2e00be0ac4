"""Where the parts of a rig run: this machine, one behind a command such as ssh, or a virtual one of ``hil.vm``."""
