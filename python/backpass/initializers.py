"""How weights start. Biases start at zero.

Everything that takes an initializer takes a name as well: ``auto``, ``he_normal``, ``he_uniform``,
``glorot_normal``, ``glorot_uniform``, ``lecun_normal``, ``lecun_uniform``, ``zeros``, ``constant``,
``normal``, ``uniform``, ``orthogonal``. The classes are for those that have a parameter.

Examples
--------
>>> import backpass as bp
>>> bp.Network([2, 1], init=bp.initializers.Constant(0.5)).layers[0].weight
array([[0.5, 0.5]], dtype=float32)
"""

from backpass._core import Constant, Initializer, Normal, Orthogonal, Uniform

__all__ = ["Constant", "Initializer", "Normal", "Orthogonal", "Uniform"]
