"""What is on disk, and Postfix, which reads it."""
