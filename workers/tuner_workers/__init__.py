"""The worker: a daemon on the device that applies knobs, runs workloads, measures, and leaves the device as it was.

Nothing here imports numpy, torch, tensorflow, SQLAlchemy or Optuna; workloads that need them run in a child
interpreter.
"""
