"""JAX: one jitted function per step with donated arguments; an epoch is one jitted scan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from cases import LR, Case


def prepare(case: Case) -> Callable[[], object]:
    parameters: Any = [(jnp.asarray(w), jnp.zeros(w.shape[1])) for w in case.weights()]
    x, y = map(jnp.asarray, case.data())
    act = {"relu": jax.nn.relu, "tanh": jnp.tanh}[case.activation]

    def apply(parameters: Any, x: Any) -> Any:
        for w, b in parameters[:-1]:
            x = act(x @ w + b)
        w, b = parameters[-1]
        return x @ w + b

    def cost(parameters: Any, x: Any, y: Any) -> Any:
        z = apply(parameters, x)
        if case.loss == "ce":
            return optax.softmax_cross_entropy_with_integer_labels(z, y).mean()
        return ((z - y) ** 2).mean()

    if case.kind == "predict":
        predict = jax.jit(apply)
        return lambda: predict(parameters, x).block_until_ready()
    if case.kind == "gradient":
        gradient = jax.jit(jax.value_and_grad(cost))
        return lambda: jax.block_until_ready(gradient(parameters, x, y))

    optimizer = optax.adam(LR) if case.optimizer == "adam" else optax.sgd(LR, momentum=0.9)

    def step(parameters: Any, state: Any, x: Any, y: Any) -> Any:
        updates, state = optimizer.update(jax.grad(cost)(parameters, x, y), state, parameters)
        return optax.apply_updates(parameters, updates), state

    def epoch(parameters: Any, state: Any, order: Any) -> Any:
        def body(carry: Any, rows: Any) -> Any:
            return step(*carry, x[rows], y[rows]), None

        batches = case.rows // case.batch
        return jax.lax.scan(
            body, (parameters, state), order[: batches * case.batch].reshape(batches, -1)
        )[0]

    train = jax.jit(step, donate_argnums=(0, 1))
    train_epoch = jax.jit(epoch, donate_argnums=(0, 1))
    state = [parameters, optimizer.init(parameters)]
    rng = np.random.default_rng(0)

    def run() -> None:
        if case.kind == "epoch":
            state[:] = train_epoch(*state, jnp.asarray(rng.permutation(case.rows)))
        else:
            state[:] = train(*state, x, y)
        jax.block_until_ready(state)

    return run
