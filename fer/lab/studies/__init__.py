"""Studies that need the networks: regions, gates, corruptions, the ablation."""
