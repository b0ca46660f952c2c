"""The engine process: its lock, its loop, and the table of job kinds."""
