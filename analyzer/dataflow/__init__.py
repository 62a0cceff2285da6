"""The machinery of dataflow, with no knowledge of the kernel."""
