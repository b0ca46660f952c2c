"""Jobs and their tasks: states, storage, progress, and what a handler gets to work with."""
