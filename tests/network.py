"""Keeps a Python process from reaching beyond this machine, and remembers who tried.

It sees what goes through Python's socket module, in every thread; not a child process, and not a C library with sockets of its own.
"""

from __future__ import annotations

import ipaddress
import socket
import sys

tried: list[str] = []
"""What was stopped since it was last emptied, in words."""


class NetworkForbidden(OSError):
    """A test tried to reach another machine."""


def forbid() -> None:
    """Stop every connection, datagram and name look-up that leaves this machine, until the process ends."""
    sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        peer, address = arguments
        family = getattr(peer, "family", None)
        if family in {socket.AF_INET, socket.AF_INET6} and isinstance(address, tuple) and not is_here(str(address[0])):
            _stop(f"{event.removeprefix('socket.')} {address[0]} port {address[1]}")
    elif event in {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}:
        name = arguments[0]
        host = name.decode("ascii", "replace") if isinstance(name, bytes) else name
        if isinstance(host, str) and not is_here(host) and not _is_number(host):
            _stop(f"look up {host}")


def is_here(host: str) -> bool:
    """Whether this host is this machine: loopback, or nothing in particular."""
    if host in {"", "localhost"} or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _is_number(host: str) -> bool:
    """Whether it is an address, which nobody is asked about."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _stop(what: str) -> None:
    tried.append(what)
    raise NetworkForbidden(
        f"Tests reach nothing beyond this machine, and this one tried to {what}: use a fake on 127.0.0.1."
    )
