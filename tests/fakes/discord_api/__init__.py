"""The rooms of the Discord fake; tests import `tests.fakes.discord`.

wire (a request → a call), contract (what requests, answers and gateway payloads must look like), faults, buckets, world (who and
what there is), shapes (the world → Discord's JSON), gateway with sessions, routes and one room for each family of them,
interactions (the handle that a test holds), people, population and switches (the verbs of tests) with sending and client (what the
official client would not let a person send), markdown (what the eye reads).
"""
