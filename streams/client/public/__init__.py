"""The clients that users see, on top of the sans-IO cores of ``streams.client``."""
