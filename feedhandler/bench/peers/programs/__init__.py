"""What peers run in environments of their own, which have no feedhandler."""
