"""What pages 3 and 4 show of the studies."""
