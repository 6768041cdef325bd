"""The programs of benchmarks/tabular are modules that import each other by their names."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3] / "benchmarks/tabular"))
