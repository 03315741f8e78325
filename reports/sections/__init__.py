"""Rows ready to print, one module for each section of a page, in folders by what the section is about."""
