"""What is asked for: recipes and presets, their fields, what encoders exist. Checked here, and pure."""
