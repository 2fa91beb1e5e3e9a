"""The `fer` command, in this process and in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from click.testing import CliRunner, Result

from fer.cli import waiting
from fer.cli.main import main
from tests.support.making import ROOT

# Else what a command says would depend on how busy the machine is.
waiting.FIRST_SECONDS = threading.TIMEOUT_MAX


def fer(*arguments: object) -> Result:
    """What the command does with these arguments; it ends here and not in the process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def succeeded(result: Result) -> Result:
    """The same result, which must be one of success."""
    assert result.exit_code == 0, result.output
    return result


def refusal(result: Result) -> str:
    """The one sentence with which the command refused: nothing else may be printed."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    return line


def child(
    *arguments: object, cwd: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Return what Python does with these arguments in a process of its own."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
