"""Bounds of what visitors upload, and its end with the visit."""
