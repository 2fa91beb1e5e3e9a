"""Confidences for faces: one door, two backends, a fair queue, Grad-CAM."""
