"""Films go out: presets, recipes, plans, segments, runs."""
