"""What a campaign measures next: its state, the costs of launches, and the schedules."""
