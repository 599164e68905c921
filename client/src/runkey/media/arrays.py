"""Arrays and tensors of whatever maker, known by what they can do. No array package is ever imported here.

NumPy's arrays have the methods that are needed, so they are asked for the result; PyTorch's, TensorFlow's and JAX's tensors give NumPy's.
"""

from typing import Any


def as_array(value: Any) -> Any:
    """Give a NumPy array for a tensor, detached and on the CPU; what is none of either is given back as it is."""
    if not is_tensor(value) and not hasattr(value, "__array__"):
        return value
    for step in ("detach", "cpu"):
        method = getattr(value, step, None)
        if callable(method):
            value = method()
    to_numpy = getattr(value, "numpy", None)
    if callable(to_numpy):
        try:
            return to_numpy()
        except (RuntimeError, TypeError):  # PyTorch without NumPy; a type that NumPy lacks, such as bfloat16
            wider = getattr(value, "float", None)
            return wider().numpy() if callable(wider) and _has_numpy() else value.tolist()
    if hasattr(value, "__array__") and not hasattr(value, "tobytes"):
        return value.__array__()
    return value


def is_array(value: Any) -> bool:
    """Tell whether this has NumPy's manners."""
    return hasattr(value, "shape") and hasattr(value, "astype") and hasattr(value, "tobytes")


def is_tensor(value: Any) -> bool:
    """Tell whether this is PyTorch's, whose pictures have their channels first."""
    return type(value).__module__.split(".")[0] == "torch" and hasattr(value, "shape")


def is_frame(value: Any) -> bool:
    """Tell whether this has the manners of a pandas (or polars) frame."""
    return hasattr(value, "columns") and hasattr(value, "shape") and (hasattr(value, "itertuples") or hasattr(value, "iter_rows"))


def flat_numbers(values: Any) -> list[float]:
    """Give all numbers of an array, a tensor or a sequence, nested or not, in one list. Raises TypeError, ValueError."""
    values = as_array(values)
    if is_array(values):
        values = values.reshape(-1).tolist()
    flat: list[float] = []
    for value in values:
        if isinstance(value, int | float):
            flat.append(value)
        elif isinstance(value, list | tuple) or is_array(value):
            flat.extend(flat_numbers(value))
        else:
            flat.append(float(value))
    return flat


def _has_numpy() -> bool:
    import sys

    return "numpy" in sys.modules
