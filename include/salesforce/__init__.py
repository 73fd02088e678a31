"""The only package that knows Salesforce: sign-in, describe, queries, Collections and Bulk API 2.0."""
