"""Confidences for faces: the networks that answer, the fair queue, Grad-CAM."""
