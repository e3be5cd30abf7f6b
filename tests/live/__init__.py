"""The default list against the live DNS."""
