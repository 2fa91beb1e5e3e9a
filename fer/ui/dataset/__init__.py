"""Page 1, the data set: its sections and charts."""
