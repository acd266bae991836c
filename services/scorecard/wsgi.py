"""What granian serves."""

from __future__ import annotations

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from services.hosts import OnlyOurs
from services.orphans import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "services.scorecard.settings")
end_with_parent()
# Around everything: Django itself checks the Host header only where it needs it, not for static files or metrics.
application = OnlyOurs(get_wsgi_application(), settings.ALLOWED_HOSTS)
