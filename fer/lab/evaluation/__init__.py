"""Evaluation of the published networks on FER-2013, and the files that it fills."""
