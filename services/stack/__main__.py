"""`python -m services.stack`."""

import sys

from launch.entry import call

if __name__ == "__main__":
    sys.exit(call("services.stack", "services.stack.cli:main", interrupted=4))
