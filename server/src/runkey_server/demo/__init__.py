"""The whole thing on an empty machine: a server, an account, a login, a real training run on real data, read back and compared.

The one room that uses the client: it is a user of both. `penguins.csv` are the 342 complete measurements of penguins of the Palmer
Archipelago (K. Gorman, Palmer Station Long Term Ecological Research; public domain, CC0).
"""
