"""Reports that are handed over: what was done, proven and missed, for a job, a day, a card or a volume."""
