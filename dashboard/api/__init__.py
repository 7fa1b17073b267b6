"""The HTTP API under ``/api``: JSON, pictures and files in and out; OpenAPI at ``/api/docs``."""
