"""The installed command, in a separate process."""

import subprocess
import sys
from pathlib import Path

import pytest

import backpass as bp


class TestProgram:
    """The installed command, in a separate process."""

    def start(self, *arguments: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
        command = ["-m", "backpass"] if code is None else ["-c", code]
        return subprocess.run(
            [sys.executable, *command, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def test_version(self) -> None:
        result = self.start("--version")
        assert (result.returncode, result.stdout) == (0, f"backpass {bp.__version__}\n")

    def test_starts_without_importing_scikit_learn(self) -> None:
        code = "import sys, backpass.cli.app; print('sklearn' in sys.modules)"
        assert self.start(code=code).stdout == "False\n"

    @pytest.mark.parametrize("command", [(), ("train",), ("predict",), ("info",)])
    def test_help_is_a_result(self, command: tuple[str, ...]) -> None:
        result = self.start(*command, "--help")
        assert result.returncode == 0
        assert result.stdout.startswith("Usage: backpass")
        assert result.stderr == ""

    def test_usage_and_failure_codes(self) -> None:
        assert self.start("train").returncode == 2
        failed = self.start("info", "missing.safetensors")
        assert failed.returncode == 1
        assert failed.stdout == ""
        assert "Traceback" not in failed.stderr

    @pytest.mark.parametrize(
        ("name", "value"), [("BACKPASS_NUM_THREADS", "many"), ("BACKPASS_ISA", "mmx")]
    )
    def test_a_wrong_environment_variable_is_one_line(
        self, name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bp.Network([2, 3], seed=0).save(tmp_path / "m")
        monkeypatch.setenv(name, value)
        result = self.start("info", str(tmp_path / "m"))
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.count("\n") == 1
        assert result.stderr.startswith(f"error: {name}")
        assert value in result.stderr

    def test_a_closed_pipe_ends_without_a_message(self, tmp_path: Path) -> None:
        bp.Network([2, 3], seed=0).save(tmp_path / "m")
        process = subprocess.Popen(
            [sys.executable, "-m", "backpass", "info", str(tmp_path / "m")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        with process.stderr:
            assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 1

    def test_without_click_the_extra_is_named(self) -> None:
        code = "import sys; sys.modules['click'] = None; from backpass.cli import main; main()"
        result = self.start(code=code)
        assert result.returncode == 1
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        assert "pip install backpass[cli]" in result.stderr

    @pytest.mark.parametrize("library", ["pandas", "pyarrow", "sklearn", "matplotlib"])
    def test_without_a_library_the_extra_is_named(self, library: str, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("x,y\n1,2\n")
        arguments = ["train", str(tmp_path / "a.csv"), "--target", "y"]
        code = (
            f"import sys; sys.modules[{library!r}] = None\n"
            f"from backpass.cli import main; sys.argv[1:] = {arguments!r}; main()"
        )
        result = self.start(code=code)
        assert result.returncode == 1
        assert result.stderr.count("\n") == 1
        assert "pip install backpass[" in result.stderr
        assert "Traceback" not in result.stderr
