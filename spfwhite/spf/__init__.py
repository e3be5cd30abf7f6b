"""What a record passes, by RFC 7208."""
