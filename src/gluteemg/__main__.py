"""Run gluteemg as ``python -m gluteemg``."""

from gluteemg.cli import main

main()
