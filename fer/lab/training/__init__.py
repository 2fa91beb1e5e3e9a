"""The training loop: batches, callbacks, cached features, several devices."""
