"""The HTTP kit: what Starlette does not have. It knows no room.

Reading bodies within limits and deadlines (`requests`), a part of what is given out (`ranges`), the actor's place (`actor`), errors to
status codes (`failures`), hosts, request ids, headers and the access log (`middleware`), request rates (`rates`).
"""
