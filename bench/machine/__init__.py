"""What Linux and NVIDIA report of the machine: interference counters, cores, affinity, RSS, GPU, campaign lock."""
