"""Campaigns and reproductions as folders on disk: appending, syncing, reading, reporting damage."""
