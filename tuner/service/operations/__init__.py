"""What happens inside one store transaction: each function takes the transaction and the time, and decides nothing
that ``tuner.schedule`` can decide."""
