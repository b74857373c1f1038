"""The connections of one feed together: who carries which key, in rotation, when one must be split.

Others take `Fleet`, `Rotation` and `Splitting`.
Uses `planning` for where keys go, `connection` for each of them.
"""
