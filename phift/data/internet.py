"""Decide which IP addresses are on the internet rather than in the network that phift runs in."""

from __future__ import annotations

import ipaddress

__all__ = ["is_public"]

_PLATFORM = ipaddress.ip_address("168.63.129.16")
"""Azure's host agent: a public address that is served inside a virtual machine."""
_EMBEDDED = (  # IPv6 networks that embed an IPv4 address, and its position
    (ipaddress.ip_network("64:ff9b::/96"), 0),
    (ipaddress.ip_network("64:ff9b:1::/48"), 0),
    (ipaddress.ip_network("2002::/16"), 80),
    (ipaddress.ip_network("::/96"), 0),
)
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(address: str) -> bool:
    """Return whether an IP address is on the internet: not loopback, private, link-local, shared (CGNAT), multicast,
    reserved or unspecified, nor an IPv6 form of such an IPv4 address, nor Azure's host agent."""
    try:
        number: _Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(number, ipaddress.IPv6Address):
        inner = number.ipv4_mapped or (number.teredo[1] if number.teredo else None)
        for network, shift in _EMBEDDED:
            if inner is None and number in network:
                inner = ipaddress.IPv4Address((int(number) >> shift) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return number.is_global and not (number.is_multicast or number.is_reserved or number == _PLATFORM)
