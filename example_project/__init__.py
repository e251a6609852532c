"""A Django project that is both a site with ``social_endpoints`` and its own OpenID provider."""

import sys

# Here, because older versions cannot even compile the other modules.
if sys.version_info < (3, 11):  # noqa: UP036 - for users with an older Python
    sys.exit("The example needs Python 3.11 or newer.")
