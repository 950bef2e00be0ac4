"""Virtual machines as rigs: UML and QEMU, joined by a virtio-vsock switch, driven by an agent in each."""
