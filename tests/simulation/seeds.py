"""Seeds that once showed something wrong. They stay."""

KEPT: dict[int, str] = {
    30: "a late answer to a paid request counted as unknown for ever, and nobody could settle it",
    349: "a clip was shown twice without a word, as the database failed when its message was noted as sent",
    5056: "a sender that was frozen wrote the price that it was told over the cost that was told since",
}
"""By seed: what it showed, in the world as it drew it then."""
