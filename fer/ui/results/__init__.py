"""Page 3, classification results: its sections, tables, charts and report."""
