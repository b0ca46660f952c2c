"""What was carried, or lies where it is, becomes cards and clips."""
