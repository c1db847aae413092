"""``python -m recordkit`` and the console script."""

import gc


def main() -> None:
    """Load the program, run one command line, end the process with its exit code."""
    # Loading makes tens of thousands of objects that stay until the end. Looking for rubbish among them would take a
    # tenth of the time of a short command: not while they are made, and never again afterwards.
    gc.disable()
    from recordkit.cli.main import run_process

    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()
    run_process()


if __name__ == "__main__":
    main()
