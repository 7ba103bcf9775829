"""`python -m suite.cli`, where the script `suite` is not on the path."""

from __future__ import annotations

import sys

from suite.cli import main

sys.exit(main())
