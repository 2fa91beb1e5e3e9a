"""Training runs, followed from outside: progress, jobs, learning curves."""
