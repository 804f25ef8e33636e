"""Real processes against the fakes, and real SIGKILLs: whether anything is lost, doubled or paid twice."""
