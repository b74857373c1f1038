"""What a venue lists, under which terms, and what of it a feed carries.

Others take `Lister`, `Universe` and the changes of `terms`.
Uses `network` to ask, `engine` for the rows of the directory.
"""
