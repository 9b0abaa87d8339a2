"""``python -m skxfer``: the console command."""

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())
