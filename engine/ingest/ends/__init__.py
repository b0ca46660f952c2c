"""Source and destinations while they are open: found by identity, published to, given up in time."""
