"""Logs a machine in by a click in a browser: two ways in one wait, the first to finish wins.

The device code (RFC 8628) works wherever a browser is; the loopback redirect with PKCE (RFC 8252, 7636) only beside one, and is quicker to
the eye. `joining` runs both; `device_flow` knows the first without any I/O, `loopback` the second, `endpoints` speaks to the server.
"""
