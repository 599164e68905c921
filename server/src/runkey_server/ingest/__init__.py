"""The door that runs write through.

Routes: `POST /files/{entity}/{project}/{run}/file_stream`, `PUT|GET|OPTIONS /storage/{token}`. It hands each part of what arrives to the
room that owns it, and answers 2xx only after the commit.
"""
