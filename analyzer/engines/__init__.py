"""Engines: each turns one capture into the events of `dissectors.events` and a `CaptureFacts`."""
