"""The Salesforce side in source format: deployed to a customer's org, and read by the local one."""
