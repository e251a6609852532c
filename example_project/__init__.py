"""A Django project with ``social_endpoints`` and, in place of real providers, the fake one."""

import sys

# Here, because older versions cannot even compile the other modules.
if sys.version_info < (3, 11):  # noqa: UP036 - for users with an older Python
    sys.exit("The example needs Python 3.11 or newer.")
