"""Faults on real processes: what is killed, stopped, cut off, slowed down and filled up, while people press."""
