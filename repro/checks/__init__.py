"""What settles structural and speed claims without training anything, a file a paper."""
