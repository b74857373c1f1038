"""Which key goes on which connection, and what a start would do and spend, without connecting.

Others take `pack` (keys to connections), `forecast` (one venue) and `plans` (every venue).
Uses `instruments`, `config`, `venues` and `budgets`; pure, but for asking for lists.
"""
