"""A framework in NumPy that knows full connections only: small, exact and without anything to install."""

from __future__ import annotations

from impls.frameworks import Execution, Framework

OUTSIDE = Framework(
    name="outside",
    title="NumPy, full connections only",
    model="outside.model:NumPyModel",
    executions=(Execution("loop", "one layer after another", precisions=("float32", "float64"), any_size=True),),
    requires=("numpy",),
    preload=("outside.model",),
)
