"""What tests share: real data made small, a served dashboard, a camera, a Kaggle."""
