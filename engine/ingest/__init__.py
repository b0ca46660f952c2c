"""Cards go in: plan, verified copy, catalogue, the check before formatting, and the scrub."""
