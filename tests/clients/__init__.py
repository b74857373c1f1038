"""Streaming clients of others against the simulator, unchanged but for their addresses."""
