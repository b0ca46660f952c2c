"""What the catalogue knows of content and places, and how an ingest writes to it."""
