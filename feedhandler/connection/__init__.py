"""One persistent connection: its socket, its states, its heartbeat, and its subscriptions.

Others take `Connection`, its `Owner`, and the states that they see in memory.
Uses `network` for the way to the venue, `adapter` for its words, `engine` for its frames.
"""
