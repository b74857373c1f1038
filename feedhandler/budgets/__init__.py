"""What may be spent at a venue, and when to try again: budgets that processes share, and backoff.

Others take `Budget`, `host_budgets` and `Backoff`.
Uses `adapter` for a venue's limits; opens no socket.
"""
