"""Tables: reading them, and converting their columns for a network and back."""
