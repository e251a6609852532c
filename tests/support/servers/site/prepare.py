"""Create the site's database and its SAML metadata: ``python -m …site.prepare``"""

from __future__ import annotations

import django
from django.core.management import call_command

from example_project.local import DATA
from tests.support.servers.addresses import addresses
from tests.support.servers.toolkit import demo

django.setup()
call_command("migrate", verbosity=0)
demo.create()
with (DATA / "site-metadata.xml").open("w") as metadata:
    call_command("saml_metadata", addresses.site, stdout=metadata)
