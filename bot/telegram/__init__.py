"""Telegram: `translate` is pure both ways, `mouth` speaks, `ear` listens, `adapter` puts them together."""
