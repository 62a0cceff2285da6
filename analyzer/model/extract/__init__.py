"""Code against model: the Protocol record that a snapshot's source amounts to, and how each field was decided."""
