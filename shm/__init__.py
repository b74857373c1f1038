"""Read a venue's order books, quotes and events from shared memory."""
