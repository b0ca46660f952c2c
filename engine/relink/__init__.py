"""Lost copies are found again: scan, match, candidates, apply and undo."""
