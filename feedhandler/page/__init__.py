"""What a browser and a Prometheus see of a feed: the page, its live events, its metrics.

Others take `Pages`, which answers the requests of the status address. Uses `view` for all that it
says; read-only, nothing here changes the feed.
"""
