"""The local Salesforce org: a real HTTP server over a real query engine, for work without an account.

It imports nothing of ours outside this package, and nothing of ours imports it: the product meets it only over
HTTP, exactly as it meets Salesforce. `org.Org` is the engine's facade; the HTTP half is built on that alone.
"""
