"""What goes over a connection, written down as it happens: files that Wireshark opens and that replay as devices."""
