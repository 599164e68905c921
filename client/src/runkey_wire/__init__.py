"""The contract both sides keep.

No I/O, standard library only, and nothing here knows which side it is on: a client and a server that import this package
agree on the shape of a key, of a name, of one history line, of one file_stream request, and on what a server signs to prove who it is.
Modules: `api_key`, `names`, `history_line`, `file_stream`, `identity`, `limits`, `errors`.
"""
