"""A studio served to other processes of the same user on this machine, over a Unix-domain socket, and its far end.

One process owns a data directory, because only one may write to its database. It serves its studio here, so that the terminal
beside a running server does its work through it. The calls are a table drawn from `Desk`: a method's name, how its arguments
are written and how its answer is. An error crosses as the name of its class, its sentence and its fields.
"""
