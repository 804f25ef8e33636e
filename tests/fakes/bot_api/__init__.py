"""The rooms of the Telegram fake; tests import `tests.fakes.telegram`.

wire (a request → a call), contract (what the call and its answer must look like), faults, flood, files, updates, webhook, world
(who and what there is), shapes (the world → Telegram's JSON), one room for each family of methods, people (the verbs of tests).
"""
