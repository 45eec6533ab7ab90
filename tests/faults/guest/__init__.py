"""What runs in the machine whose power is cut."""
