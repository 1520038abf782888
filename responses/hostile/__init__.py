"""The bench of the gates: lies of many kinds told into honest replies, honest replies of many hands, and a judge of its own."""
