"""The rules, one a file. What is put here is found by looking (`validators.rule.rules`)."""
