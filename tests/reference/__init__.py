"""A fully connected network in float64 NumPy, written from docs/mathematics.md alone.

It is the oracle of the tests: explicit, readable next to the equations, with no regard to speed,
and independent of backpass, which it never imports.

activations   φ and φ' by name
losses        E and ∂E/∂a^N by name
network       the forward loop and the ξ recursion
initializers  the variance and range every initializer promises
philox        the counter-based generator and the dropout masks drawn from it
tolerances    how far a computation in float32 or float64 may be from this one
"""
