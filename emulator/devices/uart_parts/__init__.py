"""What USB serial ports of every make have in common: a UART, and what is at the far end of its line."""
