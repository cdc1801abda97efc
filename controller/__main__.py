"""``python -m controller`` is ``failover``."""

from controller.cli import main

main()
