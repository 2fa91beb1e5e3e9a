"""What the stored studies say: contributions, leakage, the verdict."""
