"""File formats of data sets: IDX, folders of images, archives."""
