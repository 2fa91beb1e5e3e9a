"""Runs seen from outside: progress, jobs, what learning curves say."""
