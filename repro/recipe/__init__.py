"""How a network is trained and how it is shown test images, as data."""
