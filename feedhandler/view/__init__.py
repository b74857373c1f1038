"""What memory says of a feed, for whoever shows it: states, rates, lags, and trouble in words.

Others take `venue_status`, `Watch` with its looks, and the words for what is wrong. Uses the rooms
below it for their words only: nothing here asks a process, and nothing connects.
"""
