"""What every page is put together from."""
