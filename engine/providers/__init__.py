"""The services, and this machine, that render shots."""
