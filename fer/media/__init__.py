"""Photos, videos and streams of frames: faces followed, answered and drawn."""
