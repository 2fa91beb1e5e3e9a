"""Why the models answer as they do: the studies of `fer analyse` and `fer ablate`."""
