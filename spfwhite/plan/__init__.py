"""What a run decides."""
