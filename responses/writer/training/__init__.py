"""How the writer is trained; needs the extra ``train``, and nothing that serves imports it."""
