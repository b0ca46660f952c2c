"""The terminal: screens, widgets, and the command line, over the public door of the engine."""
