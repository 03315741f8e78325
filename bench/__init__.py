"""How it is measured: suites, launches, campaigns; the pytest plug-in and the command line."""
