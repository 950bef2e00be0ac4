"""The parts of a memory stick: Bulk-Only Transport, SCSI commands, the medium."""
