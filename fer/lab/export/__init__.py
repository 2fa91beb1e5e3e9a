"""From a run to `models/`, and from there to int8 and other runtimes."""
