"""Pixels: decoding, resampling and augmentation."""
