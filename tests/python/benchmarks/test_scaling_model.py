"""The model of several processes agrees with the measurement that it starts from."""

import pytest
from scaling_model import efficiency, least_rows, rate_of, step_seconds

PARAMETERS = 669_706


def test_the_model_of_one_process_takes_the_measured_time() -> None:
    """20,480 rows are 80 steps of 256 rows."""
    rate = rate_of(PARAMETERS, 20_480, 256, 0.6)
    assert 80 * step_seconds(PARAMETERS, 256, 1, rate, 0, 0) == pytest.approx(0.6)


@pytest.mark.parametrize("parameters", [5825, PARAMETERS])
@pytest.mark.parametrize("ranks", [2, 8, 1024])
def test_one_row_less_is_less_efficient_than_the_limit(parameters: int, ranks: int) -> None:
    machine = (181e9, 2e-6, 1 / 12.5e9)
    rows = least_rows(parameters, ranks, *machine)
    assert efficiency(parameters, rows * ranks, ranks, *machine) >= 0.8
    assert efficiency(parameters, (rows - 1) * ranks, ranks, *machine) < 0.8
