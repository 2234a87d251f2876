"""`python -m changeover` is the command `changeover`."""

from .cli import main

main()
