"""The models: encoders of mixed spaces, Gaussian processes, acquisition functions (BoTorch)."""
