"""One module per library, each with ``prepare(case)``.

It returns a function that does the case's work once, or None if the library cannot do it.
"""
