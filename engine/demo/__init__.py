"""A day on set without a set: cards made by ffmpeg, drives that come and go."""
