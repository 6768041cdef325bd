"""Initial values of weights. Biases start at zero.

Every argument for an initializer also accepts a name: ``auto``, ``he_normal``, ``he_uniform``,
``glorot_normal``, ``glorot_uniform``, ``lecun_normal``, ``lecun_uniform``, ``zeros``, ``constant``,
``normal``, ``uniform``, ``orthogonal``. Initializers with a parameter have a class.

``auto`` depends on the layer's activation and on the number of layers of the network. For the ReLU
family (relu, gelu, silu, elu, softplus and their variants), it means ``glorot_uniform`` in networks
of up to 10 layers and ``he_normal`` in deeper ones. For selu it means ``lecun_normal``, and for all
other activations ``glorot_uniform``. ``docs/initial_weights.md`` has the measurements.

Examples
--------
>>> import backpass as bp
>>> bp.Network([2, 1], init=bp.initializers.Constant(0.5)).layers[0].weight
array([[0.5, 0.5]], dtype=float32)
"""

from backpass._core.initializers import *
from backpass._core.initializers import __all__ as __all__
