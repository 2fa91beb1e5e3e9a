"""What people bring: labelled images and predictions of their own, measured like ours."""
