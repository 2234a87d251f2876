"""What is known of Salesforce."""
