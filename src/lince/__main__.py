"""``python -m lince``."""

import sys

from lince.cli import main

if __name__ == "__main__":
    sys.exit(main())
