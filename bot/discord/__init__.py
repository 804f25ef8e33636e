"""The front end for Discord."""
