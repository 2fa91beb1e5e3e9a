"""The files in `models/` and in run folders: weights, manifest, provenance."""
