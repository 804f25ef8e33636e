"""Seeds that once showed something wrong. They stay."""

KEPT: dict[int, str] = {
    30: "a late answer to a paid request counted as unknown for ever, and nobody could settle it",
    349: "a clip was shown twice without a word, as the database failed when its message was noted as sent",
    5056: "a sender that was frozen wrote the price that it was told over the cost that was told since",
    2000237: "a refusal that came when its person had been asked left money unknown that nobody could settle",
    5000128: "a clip was shown twice without a word, as neither that it was shown nor that it may be could be written",
    6000508: "a render was paid again behind its person's back, as the machine that looked it up had a clock an hour ahead",
    8103385: "a render was paid again, as its sender woke up with the request in its hands and looked for it in the same minute",
    9002471: "a render was paid twice, as its sender was frozen right before the first byte left and another machine gave it up",
    20000148: "last words took the place of a clip that the status message showed, as nobody heard that it was noted as sent",
    21007942: "a clip was noted as sent by whoever had asked about it before, as its message had got the retracted question's id",
    22003494: "a process that slept within an edit took away the word on why a clip was there twice",
    25003476: "the same, where its time was over as it woke up",
}
"""By seed: what it showed, in the world as it drew it then."""
