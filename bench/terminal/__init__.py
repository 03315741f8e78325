"""Results as text and JSON; starts no process."""
