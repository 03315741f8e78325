"""What the operating system gives a process: cores, memory limits, environment, signals, GPU."""
