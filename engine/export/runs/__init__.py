"""Runs as they are queued, kept, continued and deleted; what a run does, part by part."""
