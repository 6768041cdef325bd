"""The installed command, in a separate process."""

import signal
import subprocess
import sys
import time
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

    def test_an_interrupt_ends_training_without_files(self, tmp_path: Path) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "backpass", "train", "digits", "--epochs", "1000000"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell that runs the tests in the background may ignore SIGINT.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        try:
            assert process.stderr is not None
            assert "to train" in process.stderr.readline()
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
        assert process.returncode == 1
        assert out == ""
        assert "Traceback" not in err
        assert list(tmp_path.iterdir()) == []

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

    @pytest.mark.parametrize("library", ["pandas", "sklearn.datasets", "matplotlib"])
    def test_without_a_library_the_extra_is_named(self, library: str, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("x,y\n1,2\n")
        data = "digits" if library.startswith("sklearn") else str(tmp_path / "a.csv")
        target = [] if data == "digits" else ["--target", "y"]
        code = (
            f"import sys; sys.modules[{library!r}] = None\n"
            f"from backpass.cli import main; sys.argv[1:] = {['train', data, *target]!r}; main()"
        )
        result = self.start(code=code)
        assert result.returncode == 1
        assert "pip install backpass[" in result.stderr
        assert "Traceback" not in result.stderr
