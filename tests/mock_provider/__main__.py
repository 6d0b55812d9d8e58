"""Starts the mock provider: `python3 tests/mock_provider` or `python3 -m mock_provider`."""

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

if not __package__:
    # Run by folder: the package's parent must be importable, and the folder itself must not,
    # so that no module here can stand in the way of an installed one.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from mock_provider.server import MockServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="mock_provider", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="default: any free port")
    parser.add_argument(
        "--exit-with-stdin",
        action="store_true",
        help="exit when standard input is closed, so that no orphan remains",
    )
    options = parser.parse_args()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: os._exit(0))
    try:
        server = MockServer(options.port)
    except (OSError, OverflowError) as error:
        sys.exit(f"mock_provider: cannot listen on 127.0.0.1:{options.port}: {error}")
    if options.exit_with_stdin:
        threading.Thread(target=exit_at_end_of_input, daemon=True).start()

    port = server.server_address[1]
    line = {"url": f"http://127.0.0.1:{port}", "port": port, "pid": os.getpid()}
    print(json.dumps(line), flush=True)
    server.serve_forever()


def exit_at_end_of_input() -> None:
    """Ends the process once whoever started it has closed our standard input."""
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
