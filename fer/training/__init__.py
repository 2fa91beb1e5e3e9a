"""Training: loop, batches, callbacks, cached features, distribution, jobs, learning curves."""
