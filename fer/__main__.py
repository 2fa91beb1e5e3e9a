"""`python -m fer` is the `fer` command."""

from fer.cli.main import main

main(prog_name="fer")
