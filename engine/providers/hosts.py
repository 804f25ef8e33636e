"""Which hosts may be spoken to: a service's own, and public ones. An address that a service names is somebody else's word."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from urllib.parse import urlsplit

RESOLVE_S = 10.0


class NotPublic(Exception):
    """The host is, or resolves to, an address of this machine or of a private network, or it cannot be resolved."""


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL; two URLs of the same origin may see the same key.

    Raises:
        ValueError: it is not an http or https URL, or carries a name and password.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError("not an http or https address")
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


async def public_address(host: str, port: int) -> str:
    """One address of the host, after every one that it has was seen to be public.

    The address is what has to be connected to: asked a second time, the name may give another one.

    Raises:
        NotPublic
    """
    try:
        async with asyncio.timeout(RESOLVE_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotPublic(f"{host} is not known") from error
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not is_public(address):
            raise NotPublic(f"{host} is not a public host")
    if not addresses:
        raise NotPublic(f"{host} has no address")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet; an IPv4 one inside an IPv6 one is looked at as itself."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is None and parsed in _NAT64:
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
        # What is outside has other IPv4 ones inside (::127.0.0.1, ::ffff:0:127.0.0.1, 64:ff9b:1::), or is of a site.
        return parsed in _UNICAST and parsed.is_global
    return parsed.is_global and not parsed.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All that was ever given out: https://www.iana.org/assignments/ipv6-address-space"""
