"""Weights of others: read without running anything in them, recognised by names and shapes, kept as models;
and ours, written for others.
"""
