"""Files are carried: listed as tasks, read once, written, read back, compared, published, recorded."""
