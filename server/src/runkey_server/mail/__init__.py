"""Mail: letters wait in the database, in the transaction of what they tell of, until the one worker that keeps house hands them over.

Table: `letters`. A letter whose address works once (an invitation, a new password) is sealed under a key that lies outside the database, so
that a copy of the database opens nothing. Without an SMTP server letters wait in vain, and are dropped when their time is over.
"""

from runkey_server.mail.delivering import Postman
from runkey_server.mail.model import Letter
from runkey_server.mail.posting import put
from runkey_server.mail.smtp import Smtp

__all__ = ["Letter", "Postman", "Smtp", "put"]
