from impls.command import main

if __name__ == "__main__":
    main("bench.validation.coverage.cli", "python -m bench.validation.coverage")
