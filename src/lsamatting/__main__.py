"""`python -m lsamatting`: the command line, where its program is not on the path."""

from lsamatting.cli.main import run

run()
