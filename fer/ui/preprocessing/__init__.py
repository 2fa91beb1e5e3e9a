"""Page 2, preprocessing: its sections."""
