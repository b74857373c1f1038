"""What a venue said, on its way to a terminal, a log or a status: one line, and not a long one."""

MOST = 300  #: characters


def one_line(text: object, most: int = MOST) -> str:
    """The text with what cannot be printed escaped, and cut."""
    plain = str(text)[: most + 1]
    if not plain.isprintable():
        plain = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in plain)
    return plain if len(plain) <= most else plain[:most] + "..."
