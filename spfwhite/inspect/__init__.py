"""Commands that look and never write."""
