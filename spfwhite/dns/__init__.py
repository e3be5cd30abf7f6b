"""One question and its one answer."""
