"""The parameters of an estimator: one network, and scikit-learn's lists as views of its memory."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from backpass.network import Network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[Any]

# scikit-learn's names of activations that have another name here.
_NAMES = {"logistic": "sigmoid"}


def native_name(activation: Any) -> Any:
    """Return backpass's name of an activation. Objects are returned as they are."""
    return _NAMES.get(activation, activation) if isinstance(activation, str) else activation


def scikit_name(activation: str) -> str:
    """Return scikit-learn's name of an activation."""
    return next((name for name, native in _NAMES.items() if native == activation), activation)


def attributes_of(net: Network) -> dict[str, Any]:
    """Return the attributes of an estimator whose parameters are those of the network.

    Returns
    -------
    dict
        ``network_``; ``coefs_`` and ``intercepts_``, lists of views of the network's memory with
        the shapes (M_{i-1}, M_i) and (M_i,); and ``_views``, the same views, by which a
        replacement of an array is found.
    """
    coefs = [layer.weight.T for layer in net.layers]
    intercepts: list[Any] = [layer.bias for layer in net.layers]
    return {
        "network_": net,
        "coefs_": coefs,
        "intercepts_": intercepts,
        "_views": (*coefs, *intercepts),
    }


class NetworkParameters:
    """The part of an estimator that holds its parameters.

    scikit-learn's users may replace the arrays in ``coefs_`` and ``intercepts_``, or change them.
    A changed view needs no care. The values of a replaced array are copied before each use.
    """

    activation: Any
    dropout: Any
    out_activation_: str
    coefs_: list[Array]
    intercepts_: list[Array]
    network_: Network
    _optimizer: Any

    def _own(self, net: Network) -> None:
        """Make the network the estimator's parameters."""
        vars(self).update(attributes_of(net))
        self._network_settings = self._settings()

    def _settings(self) -> tuple[Any, ...]:
        return self.activation, self.dropout, self.out_activation_

    def _is_current(self) -> bool:
        """Return whether the network has the estimator's parameters, without a copy."""
        own = vars(self)
        views = own.get("_views")
        if views is None or own.get("_network_settings") != self._settings():
            return False
        coefs, intercepts = self.coefs_, self.intercepts_
        depth = len(coefs)
        if len(intercepts) != depth or len(views) != 2 * depth:
            return False
        for i in range(depth):
            if coefs[i] is not views[i] or intercepts[i] is not views[depth + i]:
                return False
        return True

    def _current(self) -> Network:
        """Return the network, with the values of arrays that the user has replaced.

        Raises
        ------
        ValueError
            If the shapes in ``coefs_`` and ``intercepts_`` do not fit together.
        """
        if self._is_current():
            return self.network_
        net = vars(self).get("network_")
        coefs = [np.asarray(coef) for coef in self.coefs_]
        sizes = (*(coef.shape[0] for coef in coefs), coefs[-1].shape[1])
        if net is None or net.sizes != sizes or self._network_settings != self._settings():
            solver = vars(self).get("_optimizer")
            if solver is not None and (net is None or net.sizes != sizes):
                del self._optimizer
            elif solver is not None:  # an optimizer belongs to one network, and a copy to the next
                solver.rule = copy.deepcopy(solver.rule)
            net = self._make(sizes, np.result_type(*coefs))
            self.network_, self._network_settings = net, self._settings()
        attributes = attributes_of(net)
        for given, views in (
            (coefs, attributes["coefs_"]),
            (self.intercepts_, attributes["intercepts_"]),
        ):
            if len(given) != len(views):
                raise ValueError(
                    f"coefs_ has {len(coefs)} arrays and intercepts_ has {len(self.intercepts_)}"
                )
            for values, view in zip(given, views, strict=True):
                view[...] = values
        return net

    def _make(self, sizes: tuple[int, ...], dtype: Any, seed: int | None = None) -> Network:
        """Return a network with the estimator's activations; its parameters are 0."""
        hidden = self.activation
        if not isinstance(hidden, (list, tuple)):
            hidden = [hidden] * (len(sizes) - 2)
        if len(hidden) != len(sizes) - 2:
            raise ValueError(
                f"activation has {len(hidden)} entries, and there are {len(sizes) - 2} hidden "
                "layers"
            )
        return Network(
            sizes,
            [native_name(each) for each in (*hidden, self.out_activation_)],
            None,
            dropout=self.dropout if len(sizes) > 2 else 0.0,
            dtype="float32" if dtype == np.float32 else "float64",
            init="zeros",
            seed=seed,
        )

    # A pickle has the parameters once: the views are made again from the network.

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())  # type: ignore[misc]
        if "network_" in state and "coefs_" in state:
            self._current()
            for name in ("coefs_", "intercepts_", "_views"):
                state.pop(name, None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[misc]
        if "network_" in state and "coefs_" not in state:
            vars(self).update(attributes_of(self.network_))

    def __copy__(self) -> Any:
        """Return an estimator with the same parameters, and with copies of what `fit` learned."""
        state = self.__getstate__()
        # In one call: an optimizer belongs to one network.
        own = {name: state[name] for name in state if name.endswith("_") or name == "_optimizer"}
        found = type(self).__new__(type(self))
        found.__setstate__(state | copy.deepcopy(own))
        return found


def weights(net: Network) -> Iterator[Array]:
    """Yield the weights of each layer as one-dimensional views."""
    for layer in net.layers:
        yield layer.weight.T.reshape(-1)
