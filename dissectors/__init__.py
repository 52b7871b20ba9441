"""Protocol dissectors: bytes in, typed events out. No files, no processes, no pandas. See README.md beside this."""
