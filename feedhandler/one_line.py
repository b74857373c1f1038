"""What a venue said, on its way to a terminal, a log or a status: one line, and not a long one."""

MOST = 300  #: characters


def one_line(text: object, most: int = MOST) -> str:
    """The text with what cannot be printed escaped, and cut."""
    plain = str(text)[: most + 1]
    if not plain.isprintable():
        plain = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in plain)
    return plain if len(plain) <= most else plain[:most] + "..."


def fitting(text: str, most: int) -> str:
    """The text in at most so many bytes of UTF-8: what is too long is cut, and seen to be."""
    if len(text.encode()) <= most:
        return text
    return text.encode()[: max(0, most - len("..."))].decode("utf-8", "ignore") + "..."
