"""``tflite``: on-device inference with LiteRT. A model is trained and converted once, where TensorFlow is installed;
to measure it takes numpy and a LiteRT runtime alone.
"""

from tuner_workers.workloads.tflite.workload import TfliteWorkload

__all__ = ["TfliteWorkload"]
