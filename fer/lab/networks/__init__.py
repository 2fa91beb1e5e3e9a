"""VGG16 with its two heads in Keras, and the precision in which a machine trains it faster."""
