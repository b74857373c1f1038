"""The way to a venue: addresses, TCP, proxy, TLS, REST, compression; and why it failed, in words.

Others take `Route`, `Rest` and `connect_failure`.
Uses `budgets` and `adapter`; knows no instrument and no subscription.
"""
