"""The ground floor: errors, frozen types, settings, events, logging, files, optional dependencies.

Nothing here imports another room, torch, or anything slow.
"""
