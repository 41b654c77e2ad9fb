"""The soak: many clients that ask, write, time out, hang up and are killed at
random, and a book of what must be true of every answer and every row."""
