"""`python -m fer` is the `fer` command."""

from fer.cli import main

main(prog_name="fer")
