"""From a run to `models/`, and from there to other runtimes."""
