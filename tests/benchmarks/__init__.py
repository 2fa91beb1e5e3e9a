"""Measurements that are run by hand: load, stream, soak, fuzz."""
