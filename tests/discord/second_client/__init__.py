"""discord.js against the fake of Discord, by hand."""
