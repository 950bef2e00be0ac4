"""What programs do with devices of each kind: read a report, play a tone, fill a disk, keep URBs under way.

Probes, the demonstration and the kernel tests are made of it.
"""
