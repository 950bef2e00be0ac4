"""Parts of the FTDI serial port: its baud rate divisors and its EEPROM."""
