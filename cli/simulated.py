"""A configuration whose venues are simulated ones: the same adapters, only the endpoints differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from feedhandler.config.keys import Config
    from feedhandler.sim.runner import SimEndpoint


def at_host(url: str, host_url: str) -> str:
    """`url` with the scheme and the host of another."""
    host = urlsplit(host_url)
    return urlunsplit(urlsplit(url)._replace(scheme=host.scheme, netloc=host.netloc))


def pointed_at(config: Config, endpoints: Mapping[str, SimEndpoint]) -> Config:
    """The configuration with every venue's URLs at its simulator."""
    import msgspec

    from feedhandler import venues as registry

    replaced = {}
    for name, venue_config in config.venues.items():
        endpoint, real = endpoints[name], registry.load(name)
        urls = {key: at_host(url, endpoint.ws_url) for key, url in real.ws_urls.items()}
        replaced[name] = msgspec.structs.replace(
            venue_config,
            ws_url=next(iter(urls.values())) if len(urls) == 1 else urls,
            ws_alternatives={},
            rest_url=at_host(real.rest_url, endpoint.rest_url),
            ca_file=endpoint.ca_file or venue_config.ca_file,
        )
    return msgspec.structs.replace(config, venues=replaced)
