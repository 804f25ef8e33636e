"""The engine in a world of its own: virtual time, several processes on one database, and every fault that a seed can think of."""
