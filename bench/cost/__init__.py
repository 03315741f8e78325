"""The cost model computed from a network's table: multiply-accumulates, bytes moved, bytes held."""
