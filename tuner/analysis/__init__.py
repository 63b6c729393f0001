"""What the measurements say: the final check's intervals."""
