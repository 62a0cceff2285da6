"""Series and git to Snapshots."""
