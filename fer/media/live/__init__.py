"""What comes over the app's own port: a visitor's camera, and photos of programs."""
