"""People's own labelled images and predictions, measured like ours."""
