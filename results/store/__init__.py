"""Campaigns and reproductions as folders on disk: append, sync, read back, name what is damaged."""
