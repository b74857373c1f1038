"""Pictures of books and of days: figures of matplotlib, as files or in a terminal.

Others take `book_figure`, `quality_figure` and `show`. Uses `quality` for what it draws; nothing
but this room and the benchmarks' plots needs matplotlib.
"""
