"""The web chat: a page of our own that speaks as the chat platforms do."""
