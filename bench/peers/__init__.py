"""The servers that are measured: each a small module, each started in a process of its own.

The chats hold the same conversation: whoever connects to /ws hears every message, and a message is
an object with the same five fields, as step 03 sends it. The peers are written as the documentation
of their libraries shows it, without validation, limits or a log; picows_corked and bare.c are
limits, and `step` runs our own as it is. pages_* are for the pages.
"""
