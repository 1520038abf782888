"""The bench of replies: what providers make of the same plans, judged by a checker that shares nothing with the gates."""
