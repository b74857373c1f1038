"""A simulated venue made of nothing but what a declared venue says of itself.

Others take `DeclaredServer`; a venue with rules of its own has a subclass of it beside this folder.
Uses `adapter.declared`, `shape`, and the rooms that every simulated venue uses.
"""
