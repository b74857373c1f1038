"""Venues that are data: what is said on a connection, what is listed, and how books are asked for.

Others take `DeclaredVenue` and what it is declared with; the simulator reads the declarations.
"""

from feedhandler.adapter.declared.listing import (
    CALLS,
    Absolute,
    BestPath,
    BookPath,
    By,
    Decimals,
    Figures,
    First,
    Join,
    Least,
    Listing,
    Pages,
    Product,
    Steps,
    TickPath,
    Time,
)
from feedhandler.adapter.declared.topics import Topic, Topics
from feedhandler.adapter.declared.venue import DeclaredVenue
from feedhandler.adapter.declared.words import Answer, Words

__all__ = [
    "CALLS",
    "Absolute",
    "Answer",
    "BestPath",
    "BookPath",
    "By",
    "Decimals",
    "DeclaredVenue",
    "Figures",
    "First",
    "Join",
    "Least",
    "Listing",
    "Pages",
    "Product",
    "Steps",
    "TickPath",
    "Time",
    "Topic",
    "Topics",
    "Words",
]
