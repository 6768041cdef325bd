"""Runs the backpass command inside the test process."""

import csv
import io
import json
from typing import Any

import pytest


class Result:
    """The exit code of a command and its two output streams."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def table(self) -> list[list[str]]:
        return list(csv.reader(io.StringIO(self.out)))

    def assert_failure(self) -> None:
        """Check for exit code 1, empty stdout, and an error line without a traceback on stderr."""
        assert (self.code, self.out) == (1, "")
        assert "Traceback" not in self.err
        assert self.err.splitlines()[-1].startswith("error: ")

    def assert_misuse(self) -> None:
        """Check for exit code 2, empty stdout, and the usage on stderr."""
        assert (self.code, self.out) == (2, "")
        assert "Usage:" in self.err


class Command:
    """Runs the backpass command in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Result:
        from backpass.cli.app import app

        self._capsys.readouterr()
        with pytest.raises(SystemExit) as exit_info:
            app([str(argument) for argument in arguments], prog_name="backpass")
        out, err = self._capsys.readouterr()
        code = exit_info.value.code
        return Result(code if isinstance(code, int) else int(code is not None), out, err)

    def ok(self, *arguments: object) -> Result:
        result = self(*arguments)
        assert result.code == 0, result.err
        return result
