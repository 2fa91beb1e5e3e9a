"""How good the models are: metrics, calibration, curves, mistakes, protocols."""
