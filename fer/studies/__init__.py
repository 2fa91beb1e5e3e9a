"""The stored studies and their reading: contributions, leakage, the verdict."""
