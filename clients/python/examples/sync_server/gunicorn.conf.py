"""How gunicorn runs the sync server: `gunicorn app:application` in this folder."""

wsgi_app = "app:application"
worker_class = "gevent"
workers = 2
# Requests that one worker serves at once.
worker_connections = 200
# Longer than app.REQUEST_TIMEOUT_S.
graceful_timeout = 10
