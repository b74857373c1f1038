"""What a venue is written with: the facts it states, its list, its names, its request ids.

Others take `Venue`, the patterns of instruments, and `Selection`.
Uses `engine` only; a venue is data, and does nothing by itself.
"""
