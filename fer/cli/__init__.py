"""The `fer` command, a file for each family of commands."""
