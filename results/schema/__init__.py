"""What is stored, and which columns are read from it."""
