"""What was: trades, quotes, bars and books of the past, from the ring and from a recording.

`past` finds the records and says what is missing; `results`, `bars` and `books` are what is made
of them; `table` is what every result is, to numpy and to Arrow. Strategies have all of it as
methods of :class:`shm.Feed` (`feed_history`).
"""
