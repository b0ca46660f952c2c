"""The engine's public door: one function per thing an operator can do or look at."""
