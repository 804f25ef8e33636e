"""Which hosts are this machine or its neighbours, and which paths of our server are the page's own: pure."""

from __future__ import annotations

import ipaddress
import re

PAGE_PATHS = frozenset(
    {"", "api", "favicon.ico", "film", "healthz", "hooks", "login", "media", "readyz", "room", "static"}
)
"""The first parts of the page's own paths."""

_PRIVATE = tuple(
    ipaddress.ip_network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
_NEIGHBOUR = re.compile(r"[a-z][a-z0-9_-]*|([a-z0-9_-]+\.)+local")
"""A name without dots, which no public name is (the name of a container, for example), or one of the local network."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it. Of names, only `localhost`."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_near(host: str) -> bool:
    """Whether the way there stays on this machine or in a private network, where plain http gives nothing away."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return _NEIGHBOUR.fullmatch(host.lower()) is not None
    return address.is_loopback or any(address in network for network in _PRIVATE)


def is_hook_path(path: str) -> bool:
    """Whether others may post there: plain letters, and nothing of the page's."""
    return re.fullmatch(r"/[A-Za-z0-9/_-]+", path) is not None and path.split("/")[1] not in PAGE_PATHS
