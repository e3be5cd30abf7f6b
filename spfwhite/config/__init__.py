"""What the operator wants: `providers.toml` and its overlays, read into a `Config`."""
