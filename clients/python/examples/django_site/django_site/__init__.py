"""The settings' package: imported before Django looks for a MySQL driver, so the
place to say which one it is."""

import os

if os.environ.get("SITE_DRIVER", "forebay") == "forebay":
    import forebay

    forebay.install_as_MySQLdb()
else:
    # The same site on PyMySQL and the database itself, to compare.
    import pymysql

    pymysql.install_as_MySQLdb()
