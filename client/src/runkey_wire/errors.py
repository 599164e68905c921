"""What the wire says when something does not have the agreed shape; each side turns it into an error of its own."""


class Malformed(ValueError):
    """A value does not have the agreed shape.

    field: where, in the sender's words (`files.wandb-history.jsonl.offset`).
    fault: what is wrong with it, as the rest of a sentence that begins with the field; never the value itself when it may be a secret.
    """

    def __init__(self, field: str, fault: str) -> None:
        super().__init__(f"{field} {fault}")
        self.field = field
        self.fault = fault
