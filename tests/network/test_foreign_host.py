"""Which addresses of an answer may be connected to as the venue's own."""

import pytest

from feedhandler.network.foreign_host import websocket_url

OURS = "wss://ws-api.venue.com/old"
REST = "https://api.venue.com/v1"


@pytest.mark.parametrize(
    ("named", "url"),
    [
        ("wss://ws-api.venue.com/feed", "wss://ws-api.venue.com/feed"),
        ("wss://WS2.Venue.com:8443", "wss://WS2.Venue.com:8443/"),
        ("https://push1.deep.venue.com/endpoint/", "wss://push1.deep.venue.com/endpoint/"),
        ("wss://venue.com/", "wss://venue.com/"),
        ("wss://edge.partner.net/x", "wss://edge.partner.net/x"),
    ],
)
def test_the_venue_s_own_hosts(named: str, url: str) -> None:
    assert websocket_url(named, OURS, (REST, "edge.partner.net")) == url


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("wss://venue.com.elsewhere.org/", "foreign host"),
        ("wss://evilvenue.com/", "foreign host"),
        ("wss://ws-api.venue.org/", "foreign host"),
        ("wss://partner.com/", "foreign host"),
        ("wss://ws-api.venue.com/x\n", "without a host"),
        ("wss://10.0.0.1/", "foreign host"),
        ("wss://127.0.0.1/", "foreign host"),
        ("wss://localhost/", "foreign host"),
        ("ws://ws-api.venue.com/", "not wss"),
        ("http://ws-api.venue.com/", "not wss"),
        ("file:///etc/passwd", "without a host"),
        ("ws-api.venue.com/feed", "without a host"),
        ("wss://ws-api.venue.com@elsewhere.org/", "more than a host"),
        ("wss://ws-api.venue.com/?token=x", "more than a host"),
        ("wss://ws-api.venue.com:0/", "more than a host"),
        ("wss://ws-api.venue.com:99999/", "none"),
        ("wss://[::1/", "none"),
        ("wss://ws-api.venue.com/a b", "without a host"),
        ("wss://ws-api.v\u00e9nue.com/", "without a host"),
    ],
)
def test_what_is_none_of_them(named: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        websocket_url(named, OURS, (REST, "edge.partner.net"))


@pytest.mark.parametrize("configured", ["wss://venue.co.uk/", "wss://venue.com/"])
def test_a_domain_that_is_everybodys_makes_no_siblings(configured: str) -> None:
    domain = configured.split("/")[2]
    assert websocket_url(f"wss://a.{domain}/", configured)
    with pytest.raises(ValueError, match="foreign host"):
        websocket_url(f"wss://other.{domain.partition('.')[2]}/", configured)


def test_a_configuration_without_encryption_takes_what_has_none() -> None:
    assert websocket_url("ws://localhost:99/x", "ws://127.0.0.1:5/") == "ws://localhost:99/x"
    assert websocket_url("http://127.0.0.1:99", "ws://127.0.0.1:5/") == "ws://127.0.0.1:99/"
    assert websocket_url("wss://127.0.0.1/", "ws://127.0.0.1:5/") == "wss://127.0.0.1/"
    with pytest.raises(ValueError, match="foreign host"):
        websocket_url("ws://elsewhere.com/", "ws://127.0.0.1:5/")
