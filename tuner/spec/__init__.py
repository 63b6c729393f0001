"""study.yaml <-> StudySpec."""
