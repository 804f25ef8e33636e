"""Amounts of money as people write them, in US dollars."""

from __future__ import annotations

import re
from decimal import Decimal

USD_MOST = Decimal(1_000_000)
_USD = re.compile(r"\$?(\d{1,7}(?:[.,]\d{1,6})?)(?:\$|usd)?", re.ASCII | re.IGNORECASE)


def read_usd(text: str) -> Decimal:
    """`5`, `0.50`, `0,50`, `$5`: 0 to a million.

    Raises:
        ValueError: it is no amount.
    """
    found = _USD.fullmatch(text.strip())
    usd = Decimal(found[1].replace(",", ".")) if found else None
    if usd is None or usd > USD_MOST:
        raise ValueError(text)
    return usd
