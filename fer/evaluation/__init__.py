"""Measures of the models: metrics, calibration, curves, mistakes, protocols."""
