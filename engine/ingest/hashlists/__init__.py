"""ASC MHL: written of what was taken in, continued, and an incoming drive checked against its own."""
