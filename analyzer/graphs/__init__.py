"""Questions about the call graph, their answers as text and pictures, and dumps of what the analyses know."""
