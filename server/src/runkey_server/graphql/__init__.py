"""The door that the official client, and ours, ask through: `POST /graphql`.

`schema.graphql` is the whole language; the files beside it bind resolvers to it by name, a type a file. Translations from W&B's words
(bucket, model) to ours stand here, one line each, and nowhere else. Documents are parsed, limited and validated once (`planning`);
`executing` runs them and gives errors GraphQL's own shape.
"""
