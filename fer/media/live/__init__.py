"""Pictures that come over the app's own port: a visitor's camera, and photos from programs."""
