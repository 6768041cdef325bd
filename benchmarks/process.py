"""A process that measures one library, or one build of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click

HERE = Path(__file__).parent


class Worker:
    """One library with one number of threads, and with changes of the environment."""

    def __init__(self, peer: str, threads: int, **changes: str) -> None:
        self.peer = peer
        self.threads = threads
        counts = (
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "MKL_NUM_THREADS",
            "BACKPASS_NUM_THREADS",
        )
        eigen = str(threads > 1).lower()
        flags = f"--xla_cpu_multi_thread_eigen={eigen} intra_op_parallelism_threads={threads}"
        environment = {**os.environ, **dict.fromkeys(counts, str(threads)), "XLA_FLAGS": flags}
        environment |= changes
        self._stderr = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), peer],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            env=environment,
        )

    def ask(self, **request: object) -> dict[str, float]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            self._stderr.seek(0)
            raise click.ClickException(
                f"{self.peer} with {self.threads} threads crashed:\n{self._stderr.read()}"
            )
        return dict(json.loads(answer))

    def close(self) -> None:
        self._process.communicate()
        self._stderr.close()
