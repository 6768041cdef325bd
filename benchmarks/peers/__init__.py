"""One module a library, each with ``prepare(case)``.

It returns a function that does the case's work once, or None where the library cannot.
"""
