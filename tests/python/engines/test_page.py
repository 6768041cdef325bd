"""The code blocks of the page about many processes and machines, with the engines that are here."""

import os
import secrets
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/user_guide/at_scale.md"


def test_the_blocks_give_what_they_claim() -> None:
    pytest.importorskip("sklearn")
    command = [sys.executable, "-W", "ignore", str(ROOT / "docs/check_code_blocks.py"), str(PAGE)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=115,
        check=False,
        # Otherwise Ray writes a token to the home folder, and other programs take the CPUs.
        env={**os.environ, "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_worker_niceness": "0"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    text = PAGE.read_text("utf-8")
    for engine in ("dask", "ray"):
        here = find_spec(engine) is not None
        assert (f"skipped: no ['{engine}'" in done.stdout) != here, done.stdout
        assert f"<!-- needs {engine}" in text
