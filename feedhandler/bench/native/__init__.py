"""What runs in C: the floors, and what sends, publishes and reads for the figures.

Others take the native modules, and `programs`, which builds those that are programs.
Uses the contract of `shm`, and `book` for a side of a book.
"""
