"""Frames in, shared-memory records out: decoding, continuity, books, quotes, in native code.

Others take `_engine.Engine`, and `books_json` for people and tests.
Uses `book` and `wire`; knows no socket, and of a venue what its declaration says.
"""
