"""Workloads: what is measured. The contract is ``base``; a workload runs in a child interpreter (``child``)."""
