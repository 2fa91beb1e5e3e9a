"""Page 5, the real-time demo: webcam, photos, videos, game."""
