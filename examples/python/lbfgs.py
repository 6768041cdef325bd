"""Train with an optimizer from SciPy: L-BFGS over the network's one flat parameter vector.

`net.parameters` and `net.gradients` are contiguous views of all weights and biases in one order,
which is all that a general optimizer wants. For small data, where whole batches are cheap, a
quasi-Newton method reaches a precision that step-by-step methods do not.

    python lbfgs.py [--iterations 500]
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

import backpass as bp

Array = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--iterations", type=int, default=500)
    options = parser.parse_args()

    x = np.linspace(-1, 1, 100)[:, np.newaxis]
    y = np.sin(3 * x) + 0.3 * np.cos(9 * x)
    net = bp.Network([1, 24, 24, 1], activation="tanh", dtype="float64", seed=0)

    def objective(parameters: Array) -> tuple[float, Array]:
        net.parameters[:] = parameters
        loss = net.loss_and_gradient(x, y, loss="mse")
        return loss, net.gradients.copy()  # SciPy keeps it, the next call overwrites it

    start = net.evaluate(x, y, loss="mse")
    result = minimize(
        objective,
        net.parameters.copy(),
        method="L-BFGS-B",
        jac=True,
        options={"maxiter": options.iterations, "ftol": 0.0, "gtol": 1e-10},
    )
    net.parameters[:] = result.x
    end = net.evaluate(x, y, loss="mse")
    print(f"{result.nit} iterations, {result.nfev} evaluations: mse {start:.3g} -> {end:.3g}")
    # The optimizer's value is the network's own.
    assert np.isclose(end, result.fun, rtol=1e-12)
    least = 1e-5 if options.iterations >= 500 else start / 10
    assert end < least, f"{end} is not below {least}"


if __name__ == "__main__":
    main()
