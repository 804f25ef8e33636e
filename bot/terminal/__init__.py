"""The terminal: the studio's commands for one person at a keyboard, or for a script."""
