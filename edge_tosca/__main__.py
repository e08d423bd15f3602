"""Run the command line with `python -m edge_tosca`."""

from edge_tosca.cli import main

main()
