"""What plugins derive from, and what travels between them and the host. Authors import these names
from `suite`."""
