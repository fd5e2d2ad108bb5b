"""`python -m translate`."""

from translate.cli.main import main

main()
