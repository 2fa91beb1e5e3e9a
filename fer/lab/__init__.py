"""The workshop: trains, evaluates, studies and exports; only the command `fer` starts it."""
