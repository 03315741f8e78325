"""What all figures are drawn with: canvas, SVG, which rows a figure has room for."""
