"""Raw frames on disk: recorded, looked over, and played through the same decoders and books.

Others take `record`, `replay` and the format of `frames_file`.
Uses every room from `io_process` down; nothing but `cli` and `bench` uses it.
"""
