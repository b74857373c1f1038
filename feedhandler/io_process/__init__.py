"""One venue's process: its event loop, its instruments, its connections, and its memory.

Others take `VenueFeed`, and `order_socket`, by which a supervisor speaks to it.
Uses every room from `healing` down.
"""
