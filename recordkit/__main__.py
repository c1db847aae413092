"""``python -m recordkit``."""

from recordkit.cli.main import main

if __name__ == "__main__":
    main()
