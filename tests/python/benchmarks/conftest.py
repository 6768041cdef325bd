"""The programs of benchmarks are modules that import each other by their names."""

import sys
from pathlib import Path

_BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
sys.path += [str(_BENCHMARKS / "tabular"), str(_BENCHMARKS)]  # both have report.py
