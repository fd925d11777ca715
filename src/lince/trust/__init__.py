"""The trust room."""
