"""Programs of others that read exports and recordings, in an environment of their own."""
