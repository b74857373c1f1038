"""The way to a venue, whole: TLS that is refused and healed, proxies, and what is said of each."""

import asyncio
import ssl
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from aiohttp import web

from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Limits
from feedhandler.config.document import ConfigError
from feedhandler.config.load import load
from feedhandler.network.connect_failure import explain
from feedhandler.network.rest import Rest, RestUnreachable
from feedhandler.network.route import Route
from feedhandler.sim.server.certificates import Certificates
from shm import inspect
from tests.kit.proxies import PASSWORD, USER, Connect, Socks5, proxy
from tests.kit.rig import Rig, assert_true_book, rig
from tests.kit.tools import needs

needs_openssl = needs("openssl")  # the command, which makes the certificates
VENUE = "okx"
SYMBOL = "BTC-USDT"


def detail(r: Rig) -> str:
    """What the connection table says of the first connection."""
    with inspect.open_memory(VENUE, namespace=r.namespace) as memory:
        return str(memory.connections()[0]["detail"])


@needs_openssl
@pytest.mark.parametrize("kind", [Connect, Socks5])
def test_streams_and_rest_go_through_a_proxy(kind: type[Connect | Socks5]) -> None:
    user = f"{USER}:{quote(PASSWORD)}@"
    with proxy(kind, guarded=True) as server, rig(VENUE, tls=True) as r:
        r.change(VENUE, proxy=server.url(user))
        r.io_process(VENUE)
        feed = r.attach(VENUE)
        assert_true_book(r.sims[VENUE], feed, SYMBOL)
        endpoint = urlsplit(r.sims[VENUE].endpoint.ws_url)
        assert set(server.tunnels) == {(endpoint.hostname, endpoint.port)}
        assert len(server.tunnels) >= 2  # REST, and one stream at least


@pytest.mark.parametrize("kind", [Connect, Socks5])
def test_a_proxy_that_refuses_or_is_not_there_is_named(kind: type[Connect | Socks5]) -> None:
    async def failures(url: str) -> tuple[str, str]:
        route = Route(url)
        with pytest.raises(Exception) as stream:  # noqa: PT011
            await route.websocket("ws://venue.invalid/ws", lambda _: pytest.fail("it is open"))
        async with Rest("https://venue.invalid", Limits(), route=route) as rest:
            with pytest.raises(RestUnreachable) as request:
                await rest.get(Request("/x"))
        assert isinstance(stream.value, Exception)
        return explain(stream.value)[1], str(request.value)

    with proxy(kind, guarded=True) as server:
        for text in asyncio.run(failures(server.url())):
            assert "the proxy refused: " in text
        gone = server.url()
    for text in asyncio.run(failures(gone)):
        assert "proxy" in text
        assert "127.0.0.1:" in text


@needs_openssl
def test_the_host_is_named_in_the_handshake_and_only_the_given_authority_is_trusted() -> None:
    async def main() -> None:
        names: list[str | None] = []
        with closing(Certificates("localhost")) as certificates:
            context = certificates.context("valid")
            context.sni_callback = lambda _, name, __: names.append(name)

            async def handler(_: web.Request) -> web.Response:
                return web.Response(body=b"{}")

            app = web.Application()
            app.router.add_get("/", handler)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            try:
                await web.TCPSite(runner, "localhost", 0, ssl_context=context).start()
                url = f"https://localhost:{runner.addresses[0][1]}"
                route = Route(ca_file=certificates.ca_file)
                async with Rest(url, Limits(), route=route) as rest:
                    assert await rest.get(Request("/")) == b"{}"
                async with Rest(url, Limits()) as rest:
                    with pytest.raises(RestUnreachable, match="TLS certificate refused: "):
                        await rest.get(Request("/"))
                with pytest.raises(ssl.SSLCertVerificationError):
                    await Route().websocket(
                        url.replace("https", "wss"), lambda _: pytest.fail("it is open")
                    )
            finally:
                await runner.cleanup()
        assert names == ["localhost"] * 3

    asyncio.run(main())


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("proxy", '"10.0.0.1:1080"', "venues.okx.proxy: '10.0.0.1:1080' is not allowed: scheme"),
        ("proxy", '"socks5://10.0.0.1"', "is not allowed: scheme"),
        ("proxy", '"ftp://10.0.0.1:21"', "one of http, https, socks4, socks5"),
        ("ca_file", '"/nowhere/ca.pem"', "venues.okx.ca_file: '/nowhere/ca.pem' is not allowed"),
        ("compression", "1", "venues.okx.compression: 1 is not allowed: true or false"),
    ],
)
def test_mistakes_in_the_keys_are_named(tmp_path: Path, key: str, value: str, problem: str) -> None:
    path = tmp_path / "feed.toml"
    path.write_text(f"[venues.okx]\n{key} = {value}\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert problem in str(caught.value)


def test_the_keys_are_read(tmp_path: Path) -> None:
    paths = ssl.get_default_verify_paths()
    authorities = paths.cafile or paths.openssl_cafile
    if not Path(authorities).is_file():
        pytest.skip(f"this host has no authorities at {authorities}")
    path = tmp_path / "feed.toml"
    keys: dict[str, Any] = {
        "proxy": "socks5://me:secret@10.0.0.1:1080",
        "ca_file": authorities,
        "compression": True,
    }
    said = "\n".join(f"{key} = {str(value).lower() if value is True else repr(value)}"
                     for key, value in keys.items())  # fmt: skip
    path.write_text(f"[venues.okx]\n{said}\n")
    route = Route.of(load(path).venues["okx"])
    assert (route.proxy, route.ca_file, route.compression) == tuple(keys.values())
