"""The studies' views on pages 3 and 4."""
