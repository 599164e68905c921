"""The sizes both sides keep to; every name ends in its unit."""

MEBIBYTE = 1024 * 1024

MAX_FILE_STREAM_BYTES = 16 * MEBIBYTE
"""One file_stream body. The official client sends up to 10 MiB, and a 413 ends its stream for good."""

MAX_LINE_BYTES = 10 * MEBIBYTE
"""One line of history, events or console output; the official client cuts its own a little below this."""

MAX_GRAPHQL_BYTES = 16 * MEBIBYTE
"""One GraphQL body: `wandb verify` sends 10 MB of variables."""

MAX_GRAPHQL_DOCUMENT_BYTES = 64 * 1024
"""The document in it. The largest of the official client's is below 6 kB."""

MAX_FORM_BYTES = 16_000
"""One form of a page."""

MAX_FILE_BYTES = 5 * 1024 * MEBIBYTE
"""One uploaded file, where the one who asks for the upload does not say its size."""

MAX_KEY_CHARACTERS = 2_048
"""A credential as presented: keys have 40 characters, signed tokens up to about 1,000."""
