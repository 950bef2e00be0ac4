"""What all Communications Device Class functions share (USB CDC 1.2): functional descriptors and notifications."""
