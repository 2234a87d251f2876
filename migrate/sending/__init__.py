"""Changes on their way to the target: several calls under way, and what each answer, and each silence, means."""
