"""What the configuration may say about the way to a venue: its keys `proxy` and `ca_file`."""

import ssl
from urllib.parse import urlsplit

PROXY_SCHEMES = ("http", "https", "socks4", "socks5")
PROXIES = "scheme://[user:password@]host:port, scheme one of " + ", ".join(PROXY_SCHEMES)
CA_FILES = "a file that we can read, of certificates in PEM"


def is_proxy(value: object) -> bool:
    """Whether it is a proxy's URL; the port is to be named, since each scheme has many."""
    if not isinstance(value, str) or any(character.isspace() for character in value):
        return False
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return False
    bare = parts.path in ("", "/") and not parts.query and not parts.fragment
    return parts.scheme in PROXY_SCHEMES and bool(parts.hostname) and bool(port) and bare


def is_ca_file(value: object) -> bool:
    """Whether it names a file with certificates, now."""
    if not isinstance(value, str) or not value:
        return False
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=value)
    except (OSError, ValueError):  # SSLError is an OSError
        return False
    return context.cert_store_stats()["x509"] > 0
