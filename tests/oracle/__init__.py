"""What the tests hold the networks against: nothing in here is built by a translator.

`numpy_layers` are the definitions in float64, `forward` runs a table through them, `papers` are networks written by
hand without any table, `networks` says at which sizes they are compared, `jobs` is what runs in processes that may
import a framework, and `children` are those processes.
"""
