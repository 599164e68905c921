"""Find and keep the credential for a host.

`finding` goes through the sources in order: each gives a Credential, or None when it is not there, or raises when it is there and broken.
`store` keeps one JSON file; `netrc` reads and writes one host's entry of a file that other programs share; `keyring` asks the system's own.
"""
