"""Training: from text to an encoder, from examples to a release. Nothing that serves imports this."""
