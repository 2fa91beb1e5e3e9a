"""The Keras networks, their heads in NumPy, and what they cost."""
