"""One face closely: where an image comes from, what both models and people answer, and why."""
