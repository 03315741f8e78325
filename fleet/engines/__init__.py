"""The engines. This folder is their registry: a module that defines `ENGINE` is an engine of the module's name."""
