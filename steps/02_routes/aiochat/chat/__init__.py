"""The chat, or what will become one."""
