"""The store of studies, trials and observations. The contract is ``base``; ``memory`` and ``sql`` keep it."""
