"""Parts of the device whose firmware is upgraded (USB DFU 1.1): its words, its flash, its loader."""
