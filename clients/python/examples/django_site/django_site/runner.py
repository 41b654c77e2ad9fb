"""How `manage.py test` finds its database: Django would create one, and a shard is
created in the service's configuration, not by a client. So the tests run on the
shard that is named in DATABASES["default"]["TEST"], which is kept between runs."""

from django.core.management import call_command
from django.db import connections
from django.test.runner import DiscoverRunner


class ShardTestRunner(DiscoverRunner):
    def setup_databases(self, **kwargs):
        for connection in connections.all():
            name = connection.settings_dict["TEST"]["NAME"]
            if not name or name == connection.settings_dict["NAME"]:
                raise SystemExit("TEST in DATABASES must name a shard that is for tests only")
            connection.close()
            connection.settings_dict["NAME"] = name
            call_command("migrate", database=connection.alias, verbosity=0)
            how = {"reset_sequences": False, "interactive": False, "verbosity": 0}
            call_command("flush", database=connection.alias, **how)

    def teardown_databases(self, old_config, **kwargs):
        connections.close_all()
