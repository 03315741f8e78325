"""The same networks as others publish them: is our translation a fair likeness of what people run?

`python -m bench run --suite vendors` interleaves them with ours, after the same parity gate and with the same weights.
"""
