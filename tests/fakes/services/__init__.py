"""The video services as servers on loopback, one module each; `base.py` is what they have in common."""
