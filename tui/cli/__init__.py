"""The command line: one module per noun, every verb a door to the same function as a key on a screen."""
