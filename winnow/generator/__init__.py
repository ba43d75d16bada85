"""Language models that answer prompts: their chat templates, losses, answers and adapters."""
