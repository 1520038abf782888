"""A writer of our own: what it learns from so far, pairs of a plan and a reply written by hand (``written/*.jsonl``)."""
