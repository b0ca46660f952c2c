"""Finding footage again: sweeps of known volumes, scans for lost files, candidates, verdicts."""
