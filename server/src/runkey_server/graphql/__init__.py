"""The door that the official client, and ours, ask through: `POST /graphql`.

`schema/` is the whole language, a file a subject; the files beside it bind resolvers to it by name. Translations from W&B's words
(bucket, model) to ours stand here, one line each, and nowhere else. Documents are parsed, limited and validated once (`planning`);
`executing` runs them and gives errors GraphQL's own shape.
"""
