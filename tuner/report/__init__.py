"""What people look at: tables, live views, sentences."""
