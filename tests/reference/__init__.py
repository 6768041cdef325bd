"""A fully connected network in float64 NumPy, written from docs/mathematics.md only.

It is the reference of the tests: explicit and easy to compare with the equations. Speed does not
matter. It never imports backpass.

activations   φ and φ' by name
losses        E and ∂E/∂a^N by name
network       the forward loop and the ξ recursion
initializers  the variance and range of every initializer
philox        the counter-based generator and the dropout masks drawn from it
tolerances    the allowed difference between a float32 or float64 computation and this one
"""
