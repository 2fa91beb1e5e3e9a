"""Page 4, training: its sections and charts."""
