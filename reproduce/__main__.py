"""`python -m reproduce GRID.yaml -o FOLDER`, in the repository's root."""

import sys

from reproduce.command import main

sys.exit(main(sys.argv[1:]))
