"""Signatures of functions, and errors that name a wrong argument.

The signatures of native functions are in the first line of their docstrings. `install` gives the
functions of a module signatures that `inspect.signature` reads, and clear errors for arguments that
do not fit.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from types import FunctionType, MethodDescriptorType, ModuleType, WrapperDescriptorType
from typing import Any

from backpass import _core
from backpass._arguments import suggestion

# Names of arguments in other libraries.
SYNONYMS = {
    "learning_rate": "lr",
    "learning_rate_init": "lr",
    "n_epochs": "epochs",
    "num_epochs": "epochs",
    "max_iter": "epochs",
    "weight": "sample_weight",
    "weights": "sample_weight",
    "max_norm": "clip_norm",
    "clipnorm": "clip_norm",
    "clipvalue": "clip_value",
    "activation_function": "activation",
    "output_activation": "output",
    "layers": "sizes",
    "hidden_layer_sizes": "sizes",
    "random_state": "seed",
    "rng": "seed",
    "verbose": "progress",
    "validation_fraction": "validation_split",
    "criterion": "loss",
    "beta1": "betas",
    "beta_1": "betas",
    "epsilon": "eps",
    "decay": "weight_decay",
}


# pybind11's errors for arguments that do not fit.
_MISMATCH = re.compile(r"incompatible (function|constructor) arguments\. The following")


def mismatch_message(
    name: str, signature: inspect.Signature, args: Any, kwargs: dict[str, Any]
) -> str:
    """Return the message for arguments that a function does not take.

    Parameters
    ----------
    name : str
        The function's name.
    signature : inspect.Signature
    args, kwargs
        The arguments.
    """
    parameters = [p for p in signature.parameters.values() if p.name != "self"]
    named = [p.name for p in parameters if p.kind is not p.POSITIONAL_ONLY]
    for key in kwargs:
        if key not in named:
            end = suggestion(key, named, SYNONYMS)
            return f"{name}() got an unexpected keyword argument {key!r}{end}"
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        return f"{name}() got wrong arguments: {error}"
    given = ", ".join(
        f"{key} is {_article(value)}" for key, value in bound.arguments.items() if key != "self"
    )
    shown = signature.replace(parameters=parameters)
    return f"{name}{shown} does not take these types: {given}"


def explain(error: TypeError, function: Any, name: str, args: Any, kwargs: dict[str, Any]) -> str:
    """Return a better message for an error of a native function, or its own message.

    Parameters
    ----------
    error : TypeError
    function : callable
        The native function. Its docstring begins with its signature.
    name : str
        The function's name.
    args, kwargs
        The arguments.
    """
    signature = _cached_signature_of(function)
    if signature is None or not _MISMATCH.search(str(error)):
        return str(error)
    return mismatch_message(name, signature, args, kwargs)


def _article(value: object) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


class _Text:
    """A default value that Python cannot read from the docstring."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def signature_of(function: Any) -> inspect.Signature | None:
    """Return the signature from the docstring of a native function, or None."""
    line = (function.__doc__ or "").partition("\n")[0]
    name = getattr(function, "__name__", "")
    if not line.startswith(f"{name}("):
        return None
    kind: Any = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters: list[inspect.Parameter] = []
    for part in _split(line[len(name) + 1 :]):
        if part == "*":
            kind = inspect.Parameter.KEYWORD_ONLY
        elif part == "/":
            parameters = [p.replace(kind=p.POSITIONAL_ONLY) for p in parameters]
        elif part.startswith("**"):
            parameters.append(inspect.Parameter(_name(part[2:]), inspect.Parameter.VAR_KEYWORD))
        elif part.startswith("*"):
            parameters.append(inspect.Parameter(_name(part[1:]), inspect.Parameter.VAR_POSITIONAL))
            kind = inspect.Parameter.KEYWORD_ONLY
        else:
            left, equals, default = part.partition(" = ")
            value = _literal(default) if equals else inspect.Parameter.empty
            parameters.append(inspect.Parameter(_name(left), kind, default=value))
    return inspect.Signature(parameters)


_cached_signature_of = functools.cache(signature_of)


def _name(text: str) -> str:
    return text.partition(":")[0].strip()


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return _Text(text)


def _split(text: str) -> Iterator[str]:
    """Yield the parts between commas up to the closing parenthesis."""
    depth, start = 0, 0
    quote = ""
    for i, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif depth == 0 and character in ",)":
            if part := text[start:i].strip():
                yield part
            start = i + 1
            if character == ")":
                return
        elif character in ")]}":
            depth -= 1


def _native(function: Any, name: str) -> Callable[..., Any] | None:
    """Return a function that calls a native one and explains its errors."""
    signature = signature_of(function)
    if signature is None:
        return None

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            if not _MISMATCH.search(str(error)):
                raise
            explanation = mismatch_message(name, signature, args, kwargs)
        raise TypeError(explanation)

    call.__name__ = getattr(function, "__name__", name)
    call.__doc__ = function.__doc__
    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def _python(function: Any, name: str) -> Callable[..., Any]:
    """Return a function that calls a Python one, if it takes the keywords."""
    signature = inspect.signature(function)
    names = frozenset(signature.parameters)
    if any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
        return function  # type: ignore[no-any-return]

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not names.issuperset(kwargs):
            raise TypeError(mismatch_message(name, signature, args, kwargs))
        return function(*args, **kwargs)

    return call


def _text(native: Callable[[Any], str]) -> Callable[[Any], str]:
    """Return a `__repr__` that has a hash: pprint, and thus scikit-learn, looks it up in a dict."""

    def __repr__(self: Any) -> str:  # noqa: N807
        return native(self)

    __repr__.__doc__ = native.__doc__
    return __repr__


def _no_constructor(self: object) -> None:
    raise TypeError(f"{type(self).__name__} is a base class: make an object of a derived class")


def _install(owner: Any, attribute: str, function: Any, name: str) -> None:
    if isinstance(function, FunctionType):
        if hasattr(function, "__signature__") or hasattr(function, "__wrapped__"):
            return
        call = _python(function, name)
        module = sys.modules[function.__module__]
        if getattr(module, attribute, None) is function:  # pickle looks for the function there
            setattr(module, attribute, call)
    elif callable(function) and (wrapped := _native(function, name)):
        call = wrapped
        call.__module__ = owner.__module__ if isinstance(owner, type) else owner.__name__
        call.__qualname__ = f"{owner.__qualname__}.{attribute}" if isinstance(owner, type) else name
    else:
        return
    setattr(owner, attribute, call)


def install(module: ModuleType) -> None:
    """Give the public functions and classes of a module signatures and clear errors.

    A name that the module imports on first use is left out.
    """
    for name in vars(module).keys() & set(module.__all__):
        value = getattr(module, name)
        if not isinstance(value, type):
            _install(module, name, value, name)
        elif value.__module__.startswith("backpass"):
            install_class(value)


def install_class(cls: type) -> None:
    """Do the same for a class: its constructor, and its methods.

    Methods that must be fast (fast_method.hpp) have a signature, and call `explain`, themselves.
    """
    if isinstance(vars(cls).get("__init__"), WrapperDescriptorType):  # no constructor is bound
        cls.__init__ = _no_constructor  # type: ignore[misc]
    if type(vars(cls).get("__repr__")).__name__ == "instancemethod":
        cls.__repr__ = _text(vars(cls)["__repr__"])  # type: ignore[assignment]
    for attribute, value in list(vars(cls).items()):
        function = getattr(cls, attribute)
        if attribute == "__init__":
            _install(cls, attribute, function, cls.__name__)
        elif attribute.startswith("_") and attribute != "__call__":
            continue
        elif not isinstance(value, (property, staticmethod, MethodDescriptorType)):
            _install(cls, attribute, function, attribute)


def install_all(package: ModuleType) -> None:
    """Do this for all public modules and classes of the package backpass."""
    submodules = ("activations", "initializers", "losses", "optim", "schedules")
    for name in (*submodules, "callbacks", "metrics"):
        install(getattr(package, name))
    install(package)
    install(package.runtime)
    bases = [getattr(_core, name) for name in submodules]
    classes = [value for module in bases for value in vars(module).values()]
    for cls in (_core.Network, *classes):
        if isinstance(cls, type):
            install_class(cls)
