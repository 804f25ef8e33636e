"""`nextshot doctor`: what this installation has and lacks. It looks, and changes nothing."""
