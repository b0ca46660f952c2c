"""Before the first byte: what is on the source, where each file goes, what stands against it."""
