"""The servers that are measured: each a small module, each started in a process of its own.

All of them hold the same conversation: whoever connects to /ws hears every message, and a
message is an object with the same five fields, as step 03 sends it. Each is written as the
documentation of its library shows it, without validation, limits or a log.
"""
