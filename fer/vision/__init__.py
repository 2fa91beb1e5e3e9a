"""From an image to a network's input: decoding, face detection, cropping, preprocessing."""
