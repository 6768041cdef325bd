"""Train with an optimizer from SciPy: L-BFGS on the network's flat parameter vector.

`net.parameters` and `net.gradients` are contiguous views of all weights and biases in one order. A
general optimizer needs nothing else. For small data, where whole batches are cheap, a quasi-Newton
method reaches a much smaller loss than Adam with the same number of gradients.

    python lbfgs.py [--iterations 500]
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

import backpass as bp

Array = NDArray[np.float64]
ITERATIONS = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--iterations", type=int, default=ITERATIONS)
    options = parser.parse_args()

    x = np.linspace(-1, 1, 100)[:, np.newaxis]
    y = np.exp(-4 * x**2)
    net = bp.Network([1, 24, 24, 1], activation="tanh", dtype="float64", seed=0)
    twin = net.copy()

    def objective(parameters: Array) -> tuple[float, Array]:
        net.parameters[:] = parameters
        loss = net.loss_and_gradient(x, y, loss="mse")
        return loss, net.gradients.copy()  # SciPy keeps it; the next call overwrites the view

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
    assert np.isclose(end, result.fun, rtol=1e-12)  # SciPy's value equals the network's

    adam = bp.optim.Adam(lr=0.01)
    for _ in range(result.nfev):
        twin.train_step(x, y, loss="mse", optimizer=adam)
    adams = twin.evaluate(x, y, loss="mse")

    print(f"before        mse {start:.2e}")
    print(f"L-BFGS-B      mse {end:.2e} after {result.nit} iterations, {result.nfev} gradients")
    print(f"Adam          mse {adams:.2e} after the same number of gradients")
    assert end < start / 100
    if options.iterations >= ITERATIONS:
        assert end < adams / 10


if __name__ == "__main__":
    main()
